#!/usr/bin/env node
// The npm package `solc` behind the command line of a native solc, as py-solc-x and forge drive it.
//
// `solcjs` cannot serve: it prints a line of prose before its JSON, and writes stdout
// asynchronously, so that a pipe is cut at 64 KiB. Options understood are those in HELP; anything
// else is refused on stderr with exit 1. `solc` is resolved from this file's own node_modules, or
// from the folder that the environment variable SOLC_NODE_MODULES names.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const COMBINED_OUTPUTS = {
  abi: ["abi"],
  asm: ["evm.legacyAssembly"],
  ast: [],
  bin: ["evm.bytecode.object"],
  "bin-runtime": ["evm.deployedBytecode.object"],
  devdoc: ["devdoc"],
  "generated-sources": ["evm.bytecode.generatedSources"],
  "generated-sources-runtime": ["evm.deployedBytecode.generatedSources"],
  hashes: ["evm.methodIdentifiers"],
  metadata: ["metadata"],
  opcodes: ["evm.bytecode.opcodes"],
  srcmap: ["evm.bytecode.sourceMap"],
  "srcmap-runtime": ["evm.deployedBytecode.sourceMap"],
  "storage-layout": ["storageLayout"],
  userdoc: ["userdoc"],
};

const HELP = `solc, the Solidity commandline compiler (npm package, through a wrapper)

  --help                       show this help
  --version                    show version
  --standard-json [FILE]       compile a standard JSON input, from FILE or stdin
  --combined-json ${Object.keys(COMBINED_OUTPUTS).join(",")}
  --base-path PATH             root of the source tree
  --include-path PATH          a further root for imports (repeatable)
  --allow-paths LIST           accepted; imports are not restricted
  --optimize  --optimize-runs N  --via-ir  --evm-version NAME
  --metadata-hash ipfs|swarm|none  --no-cbor-metadata
  prefix=path                  import remapping;  "-" reads a source from stdin
`;

const FLAGS = new Set(["help", "version", "optimize", "via-ir", "no-cbor-metadata"]);
const VALUES = new Set([
  "combined-json", "base-path", "include-path", "allow-paths", "optimize-runs", "evm-version",
  "metadata-hash",
]);

class UsageError extends Error {}

/** Parse argv into { options, files, remappings }; throws UsageError for what it does not know. */
function parse(argv) {
  const options = { "include-path": [] };
  const files = [];
  const remappings = [];
  for (let i = 0; i < argv.length; i += 1) {
    const argument = argv[i];
    if (!argument.startsWith("--")) {
      (argument !== "-" && argument.includes("=") ? remappings : files).push(argument);
      continue;
    }
    const equals = argument.indexOf("=");
    const name = argument.slice(2, equals < 0 ? undefined : equals);
    const inline = equals < 0 ? undefined : argument.slice(equals + 1);
    if (FLAGS.has(name)) {
      if (inline !== undefined) throw new UsageError(`option '--${name}' takes no value`);
      options[name] = true;
    } else if (name === "standard-json") {
      options[name] = true;
      if (inline !== undefined) files.push(inline);
    } else if (VALUES.has(name)) {
      const value = inline ?? argv[(i += 1)];
      if (value === undefined) throw new UsageError(`option '--${name}' needs a value`);
      if (name === "include-path") options[name].push(value);
      else options[name] = value;
    } else {
      throw new UsageError(`unrecognised option '--${name}'`);
    }
  }
  return { options, files, remappings };
}

/** Write all of `text`, synchronously: an asynchronous write before exit is cut in a pipe. */
function writeAll(descriptor, text) {
  const buffer = Buffer.from(text, "utf8");
  let offset = 0;
  while (offset < buffer.length) {
    try {
      offset += fs.writeSync(descriptor, buffer, offset, buffer.length - offset);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function packageRequire() {
  const folder = process.env.SOLC_NODE_MODULES;
  return folder ? createRequire(path.join(path.resolve(folder), "_")) : require;
}

/** Load the compiler (0.3 to 1 s), without the process-wide listeners that soljson installs. */
function loadCompiler() {
  const events = ["uncaughtException", "unhandledRejection"];
  const before = new Map(events.map((name) => [name, process.listeners(name)]));
  const compiler = packageRequire()("solc");
  for (const [name, listeners] of before) {
    for (const listener of process.listeners(name)) {
      if (!listeners.includes(listener)) process.removeListener(name, listener);
    }
  }
  return compiler;
}

/** The compiler's version; kept in a file, because py-solc-x asks for it before every compile. */
function longVersion() {
  const packageVersion = packageRequire()("solc/package.json").version;
  const folder = path.join(__dirname, "..", "var", "cache");
  const file = path.join(folder, `solc-version-${packageVersion}.txt`);
  try {
    const kept = fs.readFileSync(file, "utf8").trim();
    if (kept.startsWith(`${packageVersion}+commit.`)) return kept;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  const version = loadCompiler().version();
  const temporary = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(temporary, `${version}\n`);
    fs.renameSync(temporary, file);
  } catch (error) {
    // A read-only checkout only costs the second that the cache would have saved.
    if (!["EACCES", "EROFS", "EPERM"].includes(error.code)) throw error;
  }
  return version;
}

/** Import callback: absolute paths as they are, others under the base path and include paths. */
function importer(options) {
  const roots = [options["base-path"] ?? ".", ...options["include-path"]];
  return (name) => {
    const bare = name.startsWith("file://") ? name.slice("file://".length) : name;
    const candidates = path.isAbsolute(bare) ? [bare] : roots.map((root) => path.join(root, bare));
    for (const candidate of candidates) {
      try {
        return { contents: fs.readFileSync(candidate, "utf8") };
      } catch (error) {
        if (!["ENOENT", "EISDIR", "ENOTDIR"].includes(error.code)) return { error: error.message };
      }
    }
    return { error: "File not found" };
  };
}

function compile(input, options) {
  return loadCompiler().compile(input, { import: importer(options) });
}

function standardJson({ options, files }) {
  if (files.length > 1) throw new UsageError("too many input files for --standard-json");
  const input = fs.readFileSync(files.length === 1 && files[0] !== "-" ? files[0] : 0, "utf8");
  writeAll(1, `${compile(input, options)}\n`);
  return 0;
}

function settingsOf(options, remappings, outputs) {
  const selected = outputs.flatMap((name) => COMBINED_OUTPUTS[name]);
  const settings = {
    remappings,
    optimizer: { enabled: Boolean(options.optimize), runs: Number(options["optimize-runs"] ?? 200) },
    outputSelection: { "*": { "*": selected, "": outputs.includes("ast") ? ["ast"] : [] } },
  };
  if (options["optimize-runs"] !== undefined) settings.optimizer.enabled = true;
  if (options["evm-version"]) settings.evmVersion = options["evm-version"];
  if (options["via-ir"]) settings.viaIR = true;
  const metadata = {};
  if (options["metadata-hash"]) metadata.bytecodeHash = options["metadata-hash"];
  if (options["no-cbor-metadata"]) {
    metadata.appendCBOR = false;
    metadata.bytecodeHash ??= "none";
  }
  if (Object.keys(metadata).length > 0) settings.metadata = metadata;
  return settings;
}

function readSources(files, options) {
  if (files.length === 0) throw new UsageError("No input files given.");
  const sources = {};
  for (const file of files) {
    const relative = options["base-path"] ? path.relative(options["base-path"], file) : file;
    const inside = relative !== "" && !relative.startsWith("..");
    const name = file === "-" ? "<stdin>" : inside ? relative : file;
    sources[name] = { content: fs.readFileSync(file === "-" ? 0 : file, "utf8") };
  }
  return sources;
}

function deep(object, dotted) {
  return dotted.split(".").reduce((value, key) => value?.[key], object);
}

function combinedContract(contract, outputs) {
  const result = {};
  for (const name of outputs) {
    if (name !== "ast") result[name] = deep(contract, COMBINED_OUTPUTS[name][0]);
  }
  return result;
}

function combinedJson({ options, files, remappings }) {
  const outputs = options["combined-json"].split(",").filter(Boolean);
  for (const name of outputs) {
    if (!(name in COMBINED_OUTPUTS)) throw new UsageError(`Invalid option to --combined-json: ${name}`);
  }
  const settings = settingsOf(options, remappings, outputs);
  const input = { language: "Solidity", sources: readSources(files, options), settings };
  const output = JSON.parse(compile(JSON.stringify(input), options));
  const problems = output.errors ?? [];
  for (const problem of problems) writeAll(2, `${problem.formattedMessage ?? problem.message}\n`);
  if (problems.some((problem) => problem.severity === "error")) return 1;

  const contracts = {};
  for (const [file, byName] of Object.entries(output.contracts ?? {})) {
    for (const [name, contract] of Object.entries(byName)) {
      contracts[`${file}:${name}`] = combinedContract(contract, outputs);
    }
  }
  const sourceList = Object.keys(output.sources ?? {});
  const combined = { contracts, sourceList, version: longVersion() };
  if (outputs.includes("ast")) {
    combined.sources = Object.fromEntries(
      sourceList.map((file) => [file, { AST: output.sources[file].ast }]),
    );
  }
  writeAll(1, `${JSON.stringify(combined)}\n`);
  return 0;
}

function main(argv) {
  try {
    const command = parse(argv);
    if (command.options.help) {
      writeAll(1, HELP);
      return 0;
    }
    if (command.options.version) {
      writeAll(1, `solc, the solidity compiler commandline interface\nVersion: ${longVersion()}\n`);
      return 0;
    }
    if (command.options["standard-json"]) return standardJson(command);
    if (command.options["combined-json"]) return combinedJson(command);
    throw new UsageError("one of --standard-json or --combined-json is needed");
  } catch (error) {
    writeAll(2, `${error instanceof UsageError ? error.message : error.stack}\n`);
    return 1;
  }
}

process.exitCode = main(process.argv.slice(2));

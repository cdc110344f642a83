import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const FOLDER = fileURLToPath(new URL("src/standalone/", import.meta.url));
const FILE = "verify.html";

/** The hash of an inline script or style, as a Content-Security-Policy names it. */
function cspHash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** One page out of the built script, the style sheet and the page's frame; it may load nothing. */
function page(script: string): string {
  if (/<\/script|<!--/i.test(script)) throw new Error("the script would end its own element");
  const style = readFileSync(`${FOLDER}style.css`, "utf8").trim();
  const policy = [
    "default-src 'none'",
    `script-src ${cspHash(script)}`,
    `style-src ${cspHash(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
  const frame = readFileSync(`${FOLDER}page.html`, "utf8");
  // Functions: a replacement text would have its dollar signs read.
  return frame
    .replace("%policy%", () => policy)
    .replace("<!--style-->", () => `<style>${style}</style>`)
    .replace("<!--script-->", () => `<script>${script}</script>`);
}

/** Puts verify.html, and its SHA-256 as sha256sum writes it, in the place of the script. */
function singleFile(): Plugin {
  return {
    name: "single-file",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle);
      const [chunk] = chunks;
      if (chunks.length !== 1 || chunk?.type !== "chunk") {
        throw new Error("the offline verifier is more than one script");
      }
      delete bundle[chunk.fileName];
      const source = page(chunk.code.trim());
      const digest = createHash("sha256").update(source).digest("hex");
      this.emitFile({ type: "asset", fileName: FILE, source });
      this.emitFile({
        type: "asset",
        fileName: `${FILE}.sha256`,
        source: `${digest}  ${FILE}\n`,
      });
    },
  };
}

// The offline verifier: beside the dashboard's files, after they are built.
export default defineConfig({
  plugins: [singleFile()],
  publicDir: false,
  build: {
    target: "es2022",
    emptyOutDir: false,
    sourcemap: false,
    modulePreload: false,
    rolldownOptions: {
      input: `${FOLDER}main.ts`,
      output: { format: "iife", codeSplitting: false },
    },
  },
});

/** What the platform's own audit can find, what it means, and what to do. */

export interface Topic {
  /** Names its place on the guide's page. */
  readonly id: string;
  readonly title: string;
  readonly meaning: string;
  readonly action: string;
}

const BYTES: Topic = {
  id: "bytes",
  title: "The published log does not hold",
  meaning:
    "An entry, a tile, a signature, a stream or a signed head of the published files is not what the rest of the log says it is.",
  action:
    "Run tally verify-log on the log's folder: it names the same place from the first entry on. Compare with a mirror or a backup, and restore the damaged file. Proofs that people hold already stay valid.",
};

const TOPICS: Readonly<Record<string, Topic>> = {
  feed: {
    id: "feed",
    title: "The database and the published log differ",
    meaning:
      "The database lacks an entry that was published, or holds another one in its place. The published log is what was signed and anchored.",
    action:
      "Stop writing, find out who changed the row, and run tally replay --check: it names every table that differs from the log.",
  },
  sequencer: {
    id: "sequencer",
    title: "Events wait for their place in the log",
    meaning: "Events are stored and signed, and none has been given a place for half a minute.",
    action: "Start the sequencer, or read its log for the reason. No event is lost meanwhile.",
  },
  publication: {
    id: "publication",
    title: "Entries are not published",
    meaning: "Entries have their place, and the files that everybody reads do not grow.",
    action: "See whether the disk is full or read-only, and whether the sequencer runs.",
  },
  witnesses: {
    id: "witnesses",
    title: "Witnesses are missing",
    meaning: "The head of the log has fewer cosignatures than the log's own policy asks for.",
    action: "See which witness does not answer. Everything else of the log was found in order.",
  },
  "unknown key": {
    id: "keys",
    title: "A key that the log does not know",
    meaning:
      "An entry is signed by a key that is not in the list for it, or list and log say different things about a key.",
    action:
      "Compare tally keys list with the list of event keys on the Log page. If nobody here rotated a key, take it as stolen: retire it.",
  },
  index: {
    id: "index",
    title: "The index of streams is wrong",
    meaning:
      "A commitment to the index is not what the entries before it give. Proofs that a stream is complete must not be believed until it is mended.",
    action:
      "Run tally verify-log: it recomputes every commitment and names the first that is wrong.",
  },
  storage: {
    id: "storage",
    title: "A file of the log cannot be read",
    meaning:
      "The disk or its permissions keep a file from being read; nothing is known of what it says.",
    action: "Mend the disk or the permissions. The next round looks again by itself.",
  },
};

/** What a check is about; all that is not named is about the log's bytes. */
export function topicOf(check: string): Topic {
  return TOPICS[check] ?? BYTES;
}

export const ALL_TOPICS: readonly Topic[] = [BYTES, ...Object.values(TOPICS)];

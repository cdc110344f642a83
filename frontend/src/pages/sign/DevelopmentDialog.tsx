import { useEffect } from "react";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { type Approval, rejectApproval, useApproval } from "../../wallet/approvals.ts";
import { hashTrade } from "../../wallet/hashes.ts";
import { parseTypedData, TypedDataInvalid } from "../../wallet/trade.ts";

/** The development wallet's own window: what it was asked to sign, approve or reject. */
export function DevelopmentDialog() {
  const approval = useApproval();
  // A request that outlived its page would be answered beside another trade.
  useEffect(() => rejectApproval, []);
  return (
    <Dialog
      open={approval !== null}
      title="Development wallet (test keys)"
      onClose={() => approval?.answer(false)}
    >
      {approval ? <Request approval={approval} /> : null}
    </Dialog>
  );
}

function Request({ approval }: { approval: Approval }) {
  const { account, document, answer } = approval;
  const digest = digestOf(document);
  return (
    <div className="space-y-3 rounded-md border-2 border-warn p-3">
      <p>
        Sign this with <code className="text-xs break-all">{account}</code>?
      </p>
      {digest === null ? (
        <p className="text-warn">This is not a trade of this platform. Read it before you sign.</p>
      ) : (
        <p className="text-xs text-muted">
          Digest{" "}
          <code data-wallet-digest className="break-all">
            {digest}
          </code>
        </p>
      )}
      <pre className="max-h-64 overflow-y-auto rounded bg-raised p-2 text-xs break-all whitespace-pre-wrap">
        {JSON.stringify(messageOf(document), null, 2)}
      </pre>
      <div className="flex justify-end gap-2">
        <Button onClick={() => answer(false)}>Reject</Button>
        <Button kind="primary" onClick={() => answer(true)}>
          Approve
        </Button>
      </div>
    </div>
  );
}

function digestOf(document: unknown): string | null {
  try {
    const { trade, domain } = parseTypedData(document);
    return hashTrade(trade, domain).digest;
  } catch (error) {
    if (error instanceof TypedDataInvalid) return null;
    throw error;
  }
}

/** The domain and the message, without the types that are the same for every trade. */
function messageOf(document: unknown): unknown {
  if (typeof document !== "object" || document === null) return document;
  const { domain, message } = document as { domain?: unknown; message?: unknown };
  return message === undefined ? document : { domain, message };
}

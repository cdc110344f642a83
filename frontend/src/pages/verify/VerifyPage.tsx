import { useState } from "react";
import { asApiError } from "../../api/errors.ts";
import { useSession } from "../../api/queries/session.ts";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import type { Part, ProofFiles } from "../../proof/files.ts";
import { IntakeError } from "./bundleFiles.ts";
import { combine, missingPart, without } from "./given.ts";
import { Intake } from "./Intake.tsx";
import { OfflineVerifier } from "./OfflineVerifier.tsx";
import { Sources } from "./Sources.tsx";
import { fetchSample, spoil } from "./sample.ts";
import { useServerTrust } from "./useServerTrust.ts";
import { useVerification } from "./useVerification.ts";
import { VerificationView } from "./VerificationView.tsx";
import { useVouching, Vouch } from "./Vouch.tsx";

/** Check a proof on this device; no session is needed, and no byte of it leaves. */
export default function VerifyPage() {
  const [given, setGiven] = useState<ProofFiles>({});
  const [error, setError] = useState<string | null>(null);
  const refuse = (found: unknown) => setError(sentenceOf(found));
  const add = (files: ProofFiles) => {
    setError(null);
    setGiven((before) => combine(before, files));
  };
  const remove = (part: Part) => setGiven((before) => without(before, part));
  return (
    <>
      <PageHeader title="Verify a proof" lead="Checked on this device. The file is not uploaded.">
        <Samples onFiles={add} onError={refuse} />
      </PageHeader>
      <div className="grid gap-4 lg:grid-cols-2">
        <div className="min-w-0 space-y-4">
          <Card title="Bundle">
            <Intake onFiles={add} onError={refuse} />
            {error ? (
              <p
                role="alert"
                className="mt-3 rounded-md bg-bad-soft px-3 py-2 break-words text-bad"
              >
                {error}
              </p>
            ) : null}
          </Card>
          <OfflineVerifier />
        </div>
        <Result given={given} onRemove={remove} />
      </div>
    </>
  );
}

function Result({ given, onRemove }: { given: ProofFiles; onRemove: (part: Part) => void }) {
  const { files, fromServer, trust, loading } = useServerTrust(given);
  const { needed, own, vouch } = useVouching(given);
  const found = useVerification(files, { fromServer, own }, trust);
  const missing = missingPart(given);
  const complete = missing === null;
  return (
    <Card title="Verdict">
      {complete && loading ? <Skeleton label="Fetching the server's keys" /> : null}
      {complete && needed ? <Vouch own={own} onChange={vouch} /> : null}
      {complete && !loading ? <VerificationView found={found} files={files} /> : null}
      {complete ? null : (
        <p className="text-muted">
          {missing} A bundle proves that an event is in the log: the event's bytes, its path to the
          signed head of the log's tree, and the chain's evidence of that head.
        </p>
      )}
      <h3 className="mt-4 mb-1 font-medium">Inputs</h3>
      <Sources given={given} fromServer={fromServer} onRemove={onRemove} />
    </Card>
  );
}

interface SamplesProps {
  onFiles: (files: ProofFiles) => void;
  onError: (error: unknown) => void;
}

function Samples({ onFiles, onError }: SamplesProps) {
  const session = useSession().data;
  const [busy, setBusy] = useState(false);
  const blocked = session ? null : "Sign in to take a sample from the running log";
  const take = async (change: (files: ProofFiles) => ProofFiles) => {
    setBusy(true);
    try {
      onFiles(change(await fetchSample()));
    } catch (error) {
      onError(error);
    }
    setBusy(false);
  };
  return (
    <>
      <Button busy={busy} blocked={blocked} onClick={() => void take((files) => files)}>
        Sample
      </Button>
      <Button busy={busy} blocked={blocked} onClick={() => void take(spoil)}>
        Sample with one byte changed
      </Button>
    </>
  );
}

function sentenceOf(error: unknown): string {
  if (error instanceof IntakeError) return error.message;
  const found = asApiError(error);
  return `${found.title}: ${found.detail}`;
}

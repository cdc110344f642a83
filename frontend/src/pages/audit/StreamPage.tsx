import { type FormEvent, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { hasRole, useSession } from "../../api/queries/session.ts";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Field } from "../../components/Field.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { Skeleton } from "../../components/Skeleton.tsx";
import { BundlePanel } from "./BundlePanel.tsx";
import { useStreamProof } from "./queries.ts";

/** One stream, shown complete: all its events, and that the log has no other of it. */
export default function StreamPage() {
  const { streamId = "" } = useParams();
  const [query, setQuery] = useSearchParams();
  const tenant = query.get("tenant");
  const isAuditor = hasRole(useSession().data, "auditor");
  return (
    <>
      <PageHeader
        title={<span className="break-all">{streamId}</span>}
        lead={
          <Link className="link" to={`/audit?stream=${encodeURIComponent(streamId)}`}>
            The stream's events
          </Link>
        }
      />
      <Card title="Proof that nothing is missing">
        {isAuditor ? <Tenant value={tenant} onChange={(id) => setQuery({ tenant: id })} /> : null}
        {isAuditor && tenant === null ? null : <Proof streamId={streamId} tenant={tenant} />}
      </Card>
    </>
  );
}

function Proof({ streamId, tenant }: { streamId: string; tenant: string | null }) {
  const proof = useStreamProof(streamId, tenant);
  const session = useSession().data;
  if (proof.data) {
    // Whatever the server answers with, only a proof of this very stream passes.
    const asked = { streamId, tenantId: tenant ?? session?.tenant_id ?? null };
    return <BundlePanel document={proof.data} name={streamId} asked={asked} />;
  }
  if (proof.isError) {
    return <ErrorState error={proof.error} what="the proof" retry={proof.refetch} />;
  }
  return <Skeleton lines={6} label="Fetching the stream and its proof" />;
}

interface TenantProps {
  value: string | null;
  onChange: (tenantId: string) => void;
}

/** Stream ids are unique within a tenant; an auditor sees all tenants and has to name one. */
function Tenant({ value, onChange }: TenantProps) {
  const [text, setText] = useState(value ?? "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== "") onChange(text.trim());
  };
  return (
    <form onSubmit={submit} className="mb-3 space-y-2">
      <Field label="Tenant whose stream it is">
        {(ties) => (
          <input
            {...ties}
            className="field font-mono text-xs"
            value={text}
            onChange={(event) => setText(event.target.value)}
            spellCheck={false}
            autoComplete="off"
          />
        )}
      </Field>
      <Button type="submit" blocked={text.trim() === "" ? "Name the tenant first" : null}>
        Prove complete
      </Button>
    </form>
  );
}

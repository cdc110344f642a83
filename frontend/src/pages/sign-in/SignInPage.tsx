import { type FormEvent, useState } from "react";
import { Link, Navigate, useSearchParams } from "react-router";
import { useConfig } from "../../api/queries/platform.ts";
import { useSession, useSignIn } from "../../api/queries/session.ts";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Field } from "../../components/Field.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { DevelopmentSignIn } from "./DevelopmentSignIn.tsx";
import { safeNext } from "./next.ts";

/** Sign-in with an API token, and in development as one of the demonstration's participants. */
export default function SignInPage() {
  const [search] = useSearchParams();
  const session = useSession().data;
  const development = useConfig().data?.development;
  if (session) return <Navigate to={safeNext(search.get("next"))} replace />;
  return (
    <div className="mx-auto max-w-xl space-y-4">
      <PageHeader title="Sign in" lead="To your portfolio, your trades and their proofs." />
      {development ? <DevelopmentSignIn participants={development.participants} /> : null}
      <TokenSignIn />
      <p className="text-muted">
        A proof can be checked without signing in:{" "}
        <Link to="/verify" className="link">
          verify a proof
        </Link>
        .
      </p>
    </div>
  );
}

function TokenSignIn() {
  const [token, setToken] = useState("");
  const [missing, setMissing] = useState(false);
  const signIn = useSignIn();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim() === "") return setMissing(true);
    signIn.mutate(token.trim());
  };
  return (
    <Card title="With an API token">
      <form onSubmit={submit} className="space-y-3">
        <Field
          label="API token"
          hint="The venue's operator issues it. This browser gets a session cookie and does not keep the token."
          error={missing ? "Paste a token." : null}
        >
          {(ties) => (
            <input
              {...ties}
              className="field"
              type="password"
              autoComplete="current-password"
              spellCheck={false}
              value={token}
              onChange={(event) => {
                setToken(event.target.value);
                setMissing(false);
              }}
            />
          )}
        </Field>
        {signIn.isError ? <ErrorState error={signIn.error} /> : null}
        <Button type="submit" kind="primary" busy={signIn.isPending}>
          Sign in
        </Button>
      </form>
    </Card>
  );
}

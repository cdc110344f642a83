import type { Config } from "../../api/models.ts";
import { useDevelopmentSignIn } from "../../api/queries/session.ts";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { StateWord } from "../../components/StateWord.tsx";

type Played = NonNullable<Config["development"]>["participants"][number];

/** The demonstration's participants by name. It exists on a development chain only, and says so. */
export function DevelopmentSignIn({ participants }: { participants: readonly Played[] }) {
  const signIn = useDevelopmentSignIn();
  return (
    <Card
      title="Development sign-in"
      aside={<StateWord tone="warn">Test keys, no value</StateWord>}
      className="border-warn"
    >
      <p className="mb-3 text-muted">
        Choose whom to play. This works only here, on a development chain of this machine.
      </p>
      <ul className="space-y-2">
        {participants.map((each) => (
          <li key={each.participant_id}>
            <Button
              className="w-full"
              busy={signIn.isPending}
              onClick={() => signIn.mutate(each.participant_id)}
            >
              <span className="flex w-full flex-wrap items-baseline justify-between gap-x-3">
                {each.name}
                <span className="text-xs font-normal text-muted">{each.roles.join(", ")}</span>
              </span>
            </Button>
          </li>
        ))}
      </ul>
      {participants.length === 0 ? <p>The demonstration has not opened anyone yet.</p> : null}
      {signIn.isError ? <ErrorState error={signIn.error} /> : null}
    </Card>
  );
}

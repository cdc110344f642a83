import { Link } from "react-router";
import { Card } from "../../components/Card.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { ALL_TOPICS } from "./auditTopics.ts";

/** What the platform's own audit looks at, and what to do about what it finds. */
export default function AuditGuidePage() {
  return (
    <>
      <PageHeader
        title="What the platform's own audit finds"
        lead={
          <Link className="link" to="/audit">
            Back to the log
          </Link>
        }
      />
      <p className="mb-4 max-w-prose">
        Every minute the platform checks its own log again: the new entries and tiles from their
        bytes, signatures, streams, keys and the index, and the database beside what was published.
        What is wrong is an event of the log (<code>audit.found</code>), once, and another when it
        is over (<code>audit.cleared</code>). It is the platform's word about itself: an auditor
        runs the same check elsewhere with <code>tally verify-log</code> and{" "}
        <code>tally monitor</code>.
      </p>
      <div className="grid gap-4 lg:grid-cols-2">
        {ALL_TOPICS.map(({ id, title, meaning, action }) => (
          <div key={id} id={id} className="min-w-0 scroll-mt-20">
            <Card title={title}>
              <p>{meaning}</p>
              <p className="mt-2">
                <span className="font-medium">What to do: </span>
                {action}
              </p>
            </Card>
          </div>
        ))}
      </div>
    </>
  );
}

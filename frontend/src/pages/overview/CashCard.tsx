import { Link } from "react-router";
import { useAccounts } from "../../api/queries/portfolio.ts";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { Money } from "../../components/Numbers.tsx";
import { streamPath } from "../audit/streamPath.ts";

/** Each account's cash: what there is, what orders and trades hold back, what is left. */
export function CashCard({ portfolioId }: { portfolioId: string }) {
  return (
    <Card title="Cash">
      <Loaded query={useAccounts(portfolioId)} what="the accounts">
        {(accounts) =>
          accounts.length === 0 ? (
            <EmptyState title="No account yet" />
          ) : (
            <div className="space-y-3">
              {accounts.map((each) => (
                <div key={each.account_id}>
                  {accounts.length > 1 ? <p className="font-medium">{each.name}</p> : null}
                  <Facts
                    right
                    items={[
                      ["Balance", <Money key="b" value={each.balance} currency={each.currency} />],
                      [
                        "Reserved",
                        <Money key="r" value={each.reserved} currency={each.currency} />,
                      ],
                      [
                        "Available",
                        <Money key="a" value={each.available} currency={each.currency} />,
                      ],
                    ]}
                  />
                  <Link
                    className="link mt-1 inline-block min-h-6"
                    to={streamPath(`account-${each.account_id}`)}
                  >
                    Prove {accounts.length > 1 ? each.name : "this account"} complete
                  </Link>
                </div>
              ))}
            </div>
          )
        }
      </Loaded>
    </Card>
  );
}

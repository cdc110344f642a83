import { useSearchParams } from "react-router";
import type { Security } from "../../api/models.ts";
import { useAccounts, usePortfolios } from "../../api/queries/portfolio.ts";
import { useSecurities } from "../../api/queries/securities.ts";
import { hasRole, useSession } from "../../api/queries/session.ts";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { BookCard } from "./Book.tsx";
import { OrdersCard } from "./OrdersCard.tsx";
import { Ticket } from "./Ticket.tsx";

/** The orders, and a ticket with the book for the next one. */
export default function OrdersPage() {
  const session = useSession().data;
  const securities = useSecurities();
  if (!hasRole(session, "investor", "trader")) return <NotATrader />;
  return (
    <>
      <PageHeader title="Orders" lead="Limit orders, good till cancelled." />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="min-w-0 space-y-4 lg:order-2">
          <Loaded query={securities} what="the securities">
            {(found) => <TicketCards securities={found.filter((each) => each.token)} />}
          </Loaded>
        </div>
        <OrdersCard />
      </div>
    </>
  );
}

function TicketCards({ securities }: { securities: readonly Security[] }) {
  const [search, setSearch] = useSearchParams();
  const portfolios = usePortfolios();
  const trader = hasRole(useSession().data, "trader");
  const chosen =
    securities.find((each) => each.security_id === search.get("security")) ?? securities[0];
  const choose = (id: string) =>
    setSearch(
      (before) => {
        before.set("security", id);
        return before;
      },
      { replace: true, preventScrollReset: true },
    );
  if (chosen === undefined) {
    return (
      <Card title="New order">
        <EmptyState title="Nothing can be traded">No security has a token yet.</EmptyState>
      </Card>
    );
  }
  return (
    <>
      <Card title="New order">
        {trader ? (
          <Loaded query={portfolios} what="your portfolios">
            {({ items }) => (
              <AccountTicket
                portfolioId={items[0]?.portfolio_id ?? null}
                securities={securities}
                securityId={chosen.security_id}
                onSecurity={choose}
              />
            )}
          </Loaded>
        ) : (
          <p className="text-muted">Placing orders needs the role trader.</p>
        )}
      </Card>
      <BookCard securityId={chosen.security_id} ticker={chosen.ticker} />
    </>
  );
}

interface TicketProps {
  portfolioId: string | null;
  securities: readonly Security[];
  securityId: string;
  onSecurity: (securityId: string) => void;
}

function AccountTicket({ portfolioId, ...ticket }: TicketProps) {
  const accounts = useAccounts(portfolioId);
  if (portfolioId === null) return <NoAccount />;
  return (
    <Loaded query={accounts} what="your accounts">
      {(found) => (found.length === 0 ? <NoAccount /> : <Ticket accounts={found} {...ticket} />)}
    </Loaded>
  );
}

function NoAccount() {
  return (
    <EmptyState title="No account">
      An order needs a portfolio and an account of yours, opened over the REST API.
    </EmptyState>
  );
}

function NotATrader() {
  return (
    <>
      <PageHeader title="Orders" />
      <Card>
        <EmptyState title="No orders here">
          Orders belong to participants. You are signed in for the venue.
        </EmptyState>
      </Card>
    </>
  );
}

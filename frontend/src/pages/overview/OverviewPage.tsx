import { useSearchParams } from "react-router";
import type { Portfolio } from "../../api/models.ts";
import { usePortfolios } from "../../api/queries/portfolio.ts";
import { ButtonLink } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { AllocationCard } from "./AllocationCard.tsx";
import { AnchorCard } from "./AnchorCard.tsx";
import { CashCard } from "./CashCard.tsx";
import { NavCard } from "./NavCard.tsx";
import { PositionsCard } from "./PositionsCard.tsx";
import { ToSignCard } from "./ToSignCard.tsx";

/** What somebody holds, what it is worth, and what waits for them. */
export function OverviewPage() {
  const portfolios = usePortfolios();
  return (
    <Loaded query={portfolios} what="your portfolios" lines={8}>
      {(page) => <Chosen portfolios={page.items} />}
    </Loaded>
  );
}

function Chosen({ portfolios }: { portfolios: readonly Portfolio[] }) {
  const [search, setSearch] = useSearchParams();
  const chosen =
    portfolios.find((each) => each.portfolio_id === search.get("portfolio")) ?? portfolios[0];
  if (chosen === undefined) return <NoPortfolio />;
  const choose = (id: string) =>
    setSearch((before) => {
      before.set("portfolio", id);
      return before;
    });
  return (
    <>
      <PageHeader title="Overview" lead={chosen.name}>
        {portfolios.length > 1 ? (
          <select
            aria-label="Portfolio"
            className="field"
            value={chosen.portfolio_id}
            onChange={(event) => choose(event.target.value)}
          >
            {portfolios.map((each) => (
              <option key={each.portfolio_id} value={each.portfolio_id}>
                {each.name}
              </option>
            ))}
          </select>
        ) : null}
        <ButtonLink to="/orders">New order</ButtonLink>
      </PageHeader>
      <Cards portfolioId={chosen.portfolio_id} />
    </>
  );
}

function Cards({ portfolioId }: { portfolioId: string }) {
  return (
    <div className="flex flex-col gap-4 lg:grid lg:grid-cols-3">
      <div className="contents min-w-0 lg:col-span-2 lg:block lg:space-y-4">
        <NavCard portfolioId={portfolioId} />
        <PositionsCard portfolioId={portfolioId} />
      </div>
      <div className="contents min-w-0 lg:block lg:space-y-4">
        <ToSignCard />
        <AllocationCard portfolioId={portfolioId} />
        <CashCard portfolioId={portfolioId} />
        <AnchorCard />
      </div>
    </div>
  );
}

function NoPortfolio() {
  return (
    <>
      <PageHeader title="Overview" />
      <Card>
        <EmptyState title="No portfolio yet">
          Open one with <code>POST /api/v1/portfolios</code>, then an account with a wallet of
          yours, and deposit cash or units. The{" "}
          <a className="link" href="/docs">
            REST API
          </a>{" "}
          says how.
        </EmptyState>
      </Card>
    </>
  );
}

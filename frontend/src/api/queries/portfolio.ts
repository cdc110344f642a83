import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../client.ts";
import { keys } from "../keys.ts";

/** The caller's portfolios. */
export function usePortfolios(enabled = true) {
  return useQuery({
    queryKey: keys.portfolios,
    enabled,
    queryFn: () => unwrap(api.GET("/api/v1/portfolios", { params: { query: { limit: 200 } } })),
  });
}

/** The accounts of a portfolio with their cash. */
export function useAccounts(portfolioId: string | null) {
  return useQuery({
    queryKey: keys.accounts(portfolioId ?? ""),
    enabled: portfolioId !== null,
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/portfolios/{portfolio_id}/accounts", {
          params: { path: { portfolio_id: portfolioId ?? "" } },
        }),
      ),
  });
}

/** The positions, valued at the last closes. */
export function useHoldings(portfolioId: string) {
  return useQuery({
    queryKey: keys.holdings(portfolioId),
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/portfolios/{portfolio_id}/holdings", {
          params: { path: { portfolio_id: portfolioId } },
        }),
      ),
  });
}

/** The value of every day since the portfolio began. */
export function useNav(portfolioId: string) {
  return useQuery({
    queryKey: keys.nav(portfolioId),
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/portfolios/{portfolio_id}/nav", {
          params: { path: { portfolio_id: portfolioId } },
        }),
      ),
  });
}

/** Gain and returns from the end of `first` on; null means since the portfolio began. */
export function usePerformance(portfolioId: string, first: string | null, enabled = true) {
  return useQuery({
    queryKey: keys.performance(portfolioId, first),
    enabled,
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/portfolios/{portfolio_id}/performance", {
          params: {
            path: { portfolio_id: portfolioId },
            query: first === null ? {} : { from: first },
          },
        }),
      ),
  });
}

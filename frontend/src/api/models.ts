import type { paths } from "./schema.gen.ts";

/** The JSON body that a GET of this path answers with. */
type Get<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

type Item<Page> = Page extends { items: (infer Each)[] } ? Each : never;

export type Session = Get<"/api/v1/session">;
export type Config = Get<"/api/v1/config">;
export type Status = Get<"/api/v1/status">;
export type Breaker = Status["breakers"][number];
export type ChainHead = Status["chain"];
export type Portfolio = Item<Get<"/api/v1/portfolios">>;
export type Account = Get<"/api/v1/portfolios/{portfolio_id}/accounts">[number];
export type Holdings = Get<"/api/v1/portfolios/{portfolio_id}/holdings">;
export type Holding = Holdings["items"][number];
export type Nav = Get<"/api/v1/portfolios/{portfolio_id}/nav">;
export type NavDay = Nav["days"][number];
export type Performance = Get<"/api/v1/portfolios/{portfolio_id}/performance">;
export type Order = Get<"/api/v1/orders/{order_id}">;
export type Check = Order["checks"][number];
export type Trade = Item<Get<"/api/v1/trades">>;
export type Book = Get<"/api/v1/books/{security_id}">;
export type Level = Book["bids"][number];
export type Instruction = Item<Get<"/api/v1/instructions">>;
export type InstructionDetail = Get<"/api/v1/instructions/{instruction_id}">;
export type Settlement = Item<Get<"/api/v1/settlements">>;
export type SettlementDetail = Get<"/api/v1/settlements/{trade_id}">;
export type Timeline = SettlementDetail["timeline"];
export type Step = Timeline["steps"][number];
export type Branch = Timeline["branches"][number];
export type Security = Get<"/api/v1/securities/{security_id}">;
export type Log = Get<"/api/v1/log">;
export type Anchor = Item<Get<"/api/v1/anchors">>;

import type { Level } from "../../api/models.ts";
import { useBook } from "../../api/queries/orders.ts";
import { Card } from "../../components/Card.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { Money, Quantity } from "../../components/Numbers.tsx";

/** What rests in the book of a security, best prices next to each other. */
export function BookCard({ securityId, ticker }: { securityId: string; ticker: string }) {
  return (
    <Card title={`Order book ${ticker}`} flush>
      <Loaded query={useBook(securityId)} what="the order book">
        {({ bids, asks }) =>
          bids.length + asks.length === 0 ? (
            <p className="px-4 pb-4 text-muted">Nobody bids or offers.</p>
          ) : (
            <table className="mb-2 w-full">
              <caption className="sr-only">Order book of {ticker}</caption>
              <thead className="text-xs text-muted">
                <tr>
                  <th scope="col" className="px-4 py-1 text-left font-medium">
                    Side
                  </th>
                  <th scope="col" className="px-2 py-1 text-right font-medium">
                    Price
                  </th>
                  <th scope="col" className="px-2 py-1 text-right font-medium">
                    Units
                  </th>
                  <th scope="col" className="px-4 py-1 text-right font-medium">
                    Orders
                  </th>
                </tr>
              </thead>
              <tbody>
                {[...asks].reverse().map((level) => (
                  <LevelRow key={`ask ${level.price}`} side="Offer" level={level} />
                ))}
                {bids.map((level) => (
                  <LevelRow key={`bid ${level.price}`} side="Bid" level={level} />
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </Card>
  );
}

function LevelRow({ side, level }: { side: "Offer" | "Bid"; level: Level }) {
  return (
    <tr className="border-t border-line">
      <td className="px-4 py-1 text-muted">{side}</td>
      <td className="px-2 py-1 text-right">
        <Money value={level.price} />
      </td>
      <td className="px-2 py-1 text-right">
        <Quantity value={level.quantity} />
      </td>
      <td className="px-4 py-1 text-right text-muted">{level.orders}</td>
    </tr>
  );
}

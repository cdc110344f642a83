import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, idempotencyKey, type Schemas, unwrap } from "../client.ts";
import { keys } from "../keys.ts";
import type { Order } from "../models.ts";

const PAGE = 25;

export type OrderStatus = Order["status"];
export type NewOrder = Schemas["NewOrder"];

/** The caller's orders, newest first, by state. */
export function useOrders(status: OrderStatus | null) {
  return useInfiniteQuery({
    queryKey: keys.orderList(status),
    placeholderData: keepPreviousData,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/orders", {
          params: {
            query: {
              limit: PAGE,
              ...(status === null ? {} : { status }),
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? null,
  });
}

/** One order. */
export function useOrder(orderId: string) {
  return useQuery({
    queryKey: keys.order(orderId),
    queryFn: () =>
      unwrap(api.GET("/api/v1/orders/{order_id}", { params: { path: { order_id: orderId } } })),
  });
}

/** The fills of an order. */
export function useOrderTrades(orderId: string) {
  return useQuery({
    queryKey: keys.orderTrades(orderId),
    queryFn: () =>
      unwrap(api.GET("/api/v1/trades", { params: { query: { order_id: orderId, limit: 200 } } })),
  });
}

/** What rests in a security's book. */
export function useBook(securityId: string | null) {
  return useQuery({
    queryKey: keys.book(securityId ?? ""),
    enabled: securityId !== null,
    refetchInterval: 5000,
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/books/{security_id}", {
          params: { path: { security_id: securityId ?? "" }, query: { levels: 8 } },
        }),
      ),
  });
}

interface Submission {
  order: NewOrder;
  /** One for each submission; a retry after a lost answer keeps it. */
  key: string;
}

/**
 * Places an order. `answered` hears how each submission ended, null for an acceptance, even when the
 * form that sent it has turned to another order by then.
 */
export function usePlaceOrder(answered: (error: Error | null) => void = () => undefined) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ order, key }: Submission) =>
      unwrap(
        api.POST("/api/v1/orders", {
          params: { header: { "Idempotency-Key": key } },
          body: order,
        }),
      ),
    onSettled: (_answer, error, { order }) => {
      answered(error);
      void client.invalidateQueries({ queryKey: keys.orders });
      void client.invalidateQueries({ queryKey: keys.book(order.security_id) });
    },
  });
}

/** Asks for the rest of an order to be cancelled. */
export function useCancelOrder(orderId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/v1/orders/{order_id}/cancel", {
          params: {
            path: { order_id: orderId },
            header: { "Idempotency-Key": idempotencyKey() },
          },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: keys.orders }),
  });
}

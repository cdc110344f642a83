import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState } from "./ErrorState.tsx";
import { Skeleton } from "./Skeleton.tsx";

interface Props<Data> {
  query: UseQueryResult<Data>;
  /** What it is, in the error's sentence: "the orders". */
  what: string;
  lines?: number;
  children: (data: Data) => ReactNode;
}

/** One query's three states. Data once shown stays when a later request fails. */
export function Loaded<Data>({ query, what, lines, children }: Props<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <ErrorState error={query.error} what={what} retry={query.refetch} />;
  return <Skeleton lines={lines ?? 3} label={`Loading ${what}`} />;
}

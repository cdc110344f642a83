import { useRouteError } from "react-router";
import { ErrorState } from "../components/ErrorState.tsx";

/** Shown where a page's own code failed or could not be fetched. */
export function RouteError() {
  return (
    <div className="mx-auto max-w-2xl p-4">
      <h1 className="mb-3 text-xl font-semibold">This page could not be shown</h1>
      <ErrorState error={useRouteError()} retry={() => location.reload()} />
    </div>
  );
}

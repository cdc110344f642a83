import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, cleanup, render, renderHook, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { type ReactNode, useState } from "react";
import { MemoryRouter, Route, Routes } from "react-router";
import { afterEach, expect, it, vi } from "vitest";
import { createQueryClient } from "../../app/queryClient.ts";
import { RequireSession } from "../../app/RequireSession.tsx";
import { problem, serve } from "../../testing/server.ts";
import { api, unwrap } from "../client.ts";
import { keys } from "../keys.ts";
import { KEY } from "../signedIn.ts";
import { usePlaceOrder } from "./orders.ts";
import { useSignIn, useSignOut } from "./session.ts";

const person = (id: string) => ({
  participant_id: id,
  tenant_id: id,
  name: id,
  kind: "participant",
  roles: ["trader"],
  wallets: [],
  expires_at: "",
});

function Orders() {
  const orders = useQuery({
    queryKey: keys.orders,
    queryFn: () => unwrap(api.GET("/api/v1/orders")) as Promise<unknown>,
  });
  const [typed, setTyped] = useState("");
  return (
    <>
      <p>{orders.data ? JSON.stringify(orders.data) : "nothing yet"}</p>
      <input aria-label="Quantity" value={typed} onChange={(e) => setTyped(e.target.value)} />
    </>
  );
}

const around = (client = createQueryClient()) => ({
  client,
  wrapper: ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  ),
});

afterEach(() => {
  cleanup();
  localStorage.clear();
  vi.unstubAllGlobals();
});

it("another participant's session takes over nothing that was read or typed", async () => {
  localStorage.setItem(KEY, "alder");
  let who = "alder";
  serve({
    "GET /api/v1/session": () => person(who),
    "GET /api/v1/orders": () => ({ of: who }),
  });
  const { client, wrapper: Wrapper } = around();
  render(
    <Wrapper>
      <MemoryRouter>
        <Routes>
          <Route element={<RequireSession />}>
            <Route path="/" element={<Orders />} />
          </Route>
        </Routes>
      </MemoryRouter>
    </Wrapper>,
  );
  await screen.findByText('{"of":"alder"}');
  client.setQueryData(["holdings", "p"], "Alder's");
  client.setQueryData(keys.config, "public");
  await userEvent.type(screen.getByLabelText("Quantity"), "10");
  who = "birch";
  // As the browser does when the tab is looked at again: the session is never taken for fresh.
  expect(client.getQueryCache().find({ queryKey: keys.session })?.isStale()).toBe(true);
  await act(() => client.refetchQueries({ queryKey: keys.session }));
  await screen.findByText('{"of":"birch"}');
  expect(client.getQueryData(["holdings", "p"])).toBeUndefined();
  expect(client.getQueryData(keys.config)).toBe("public");
  expect((screen.getByLabelText("Quantity") as HTMLInputElement).value).toBe("");
  expect(localStorage.getItem(KEY)).toBe("birch");
});

it("signing in forgets what the one before has read, and marks the new one", async () => {
  serve({ "POST /api/v1/sessions": () => Response.json(person("birch"), { status: 201 }) });
  const { client, wrapper } = around();
  client.setQueryData(["holdings", "p"], "Alder's");
  const { result } = renderHook(useSignIn, { wrapper });
  await act(() => result.current.mutateAsync("token"));
  expect(client.getQueryData(["holdings", "p"])).toBeUndefined();
  expect(localStorage.getItem(KEY)).toBe("birch");
});

it("signing out hides the page before it is left", async () => {
  serve({ "DELETE /api/v1/session": () => new Response(null, { status: 204 }) });
  const root = document.createElement("div");
  root.id = "root";
  document.body.append(root);
  const left = vi.spyOn(location, "assign").mockImplementation(() => {
    expect(root.hidden).toBe(true);
  });
  const { result } = renderHook(useSignOut, { wrapper: around().wrapper });
  await act(() => result.current.mutateAsync());
  expect(left).toHaveBeenCalledWith("/sign-in");
  root.remove();
});

it("an answer 401 to an order ends the session on the page too", async () => {
  localStorage.setItem(KEY, "alder");
  serve({ "POST /api/v1/orders": () => problem(401, { code: "unauthenticated" }) });
  const { client, wrapper } = around();
  client.setQueryData(keys.session, person("alder"));
  const { result } = renderHook(usePlaceOrder, { wrapper });
  const order = { account_id: "a", security_id: "s", side: "buy", quantity: "1", limit_price: "1" };
  act(() =>
    result.current.mutate({ order: { ...order, client_order_id: "c" } as never, key: "k" }),
  );
  await waitFor(() => expect(client.getQueryData(keys.session)).toBeNull());
  expect(localStorage.getItem(KEY)).toBeNull();
});

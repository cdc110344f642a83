import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { FormEvent, ReactNode } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Account, Security } from "../../api/models.ts";
import { show } from "../../testing/render.tsx";
import { problem, serve, status } from "../../testing/server.ts";
import { Ticket } from "./Ticket.tsx";
import { useTicket } from "./useTicket.ts";

const accounts = [{ account_id: "acc", name: "Trading" }] as Account[];
const securities = [
  { security_id: "aapl", ticker: "AAPL", name: "Apple Inc.", currency: "USD" },
] as Security[];
const close = { close: "676.27", price_date: "2012-09-06" };

const open = () =>
  show(
    <Ticket accounts={accounts} securities={securities} securityId="aapl" onSecurity={() => {}} />,
  );
const serving = (place: (request: Request) => unknown, breakers: object[] = []) =>
  serve({
    "GET /api/v1/status": () => status(breakers),
    "GET /api/v1/securities/aapl/price": () => close,
    "POST /api/v1/orders": place,
  });
const placed = (seen: Request[]) => seen.filter((request) => request.method === "POST");
const price = () => screen.findByDisplayValue("676.27");
const button = () => screen.getByRole("button", { name: /^Place the/ });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("the ticket", () => {
  it("offers the last close, adds up exactly, and sends decimal strings under a key", async () => {
    const seen = serving(() => ({ order_id: "o-1", status: "accepted", checks: [] }));
    open();
    await price();
    await userEvent.type(screen.getByLabelText("Quantity, whole units"), "1,000");
    expect(screen.getByText("676,270.00 USD")).toBeTruthy();
    await userEvent.click(button());
    expect(await screen.findByText("See the order")).toBeTruthy();
    const [request] = placed(seen);
    expect(await request?.json()).toMatchObject({
      account_id: "acc",
      security_id: "aapl",
      side: "buy",
      quantity: "1000",
      limit_price: "676.27",
      client_order_id: expect.stringMatching(/^web-/),
    });
    expect(request?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("sends the same key and id again when the answer was lost, and new ones after an answer", async () => {
    let calls = 0;
    const seen = serving(() => {
      calls += 1;
      if (calls === 1) return Promise.reject(new TypeError("Failed to fetch"));
      return { order_id: `o-${calls}`, status: "accepted", checks: [] };
    });
    open();
    await price();
    const quantity = screen.getByLabelText("Quantity, whole units");
    await userEvent.type(quantity, "10");
    await userEvent.click(button());
    expect(await screen.findByText(/cannot be placed twice/)).toBeTruthy();
    await userEvent.click(button());
    await screen.findByText("See the order");
    await userEvent.type(quantity, "10");
    await userEvent.click(button());
    await waitFor(() => expect(placed(seen)).toHaveLength(3));
    const keys = placed(seen).map((request) => request.headers.get("Idempotency-Key"));
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("takes no other security while an order is on its way, and names anew what follows", async () => {
    let answer: () => void = () => {};
    const seen = serving(async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { order_id: "o-1", status: "accepted", checks: [] };
    });
    open();
    await price();
    const quantity = screen.getByLabelText("Quantity, whole units");
    await userEvent.type(quantity, "10");
    await userEvent.click(button());
    await waitFor(() => expect(placed(seen)).toHaveLength(1));
    const chooser = screen.getByLabelText("Security") as HTMLSelectElement;
    expect(chooser.disabled).toBe(true);
    answer();
    expect(await screen.findByText(/Accepted: buy 10 AAPL at 676.27/)).toBeTruthy();
    expect(chooser.disabled).toBe(false);
    await userEvent.type(quantity, "10");
    await userEvent.click(button());
    await waitFor(() => expect(placed(seen)).toHaveLength(2));
    const [first, second] = placed(seen).map((each) => each.headers.get("Idempotency-Key"));
    expect(second).not.toBe(first);
    answer();
  });

  it("hears the answer to an order that it turned away from: the next is no repetition", async () => {
    let answer: () => void = () => {};
    const seen = serving(async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { order_id: "o-1", status: "accepted", checks: [] };
    });
    const client = new QueryClient();
    const wrapper = ({ children }: { children: ReactNode }) => (
      <QueryClientProvider client={client}>{children}</QueryClientProvider>
    );
    const { result } = renderHook(() => useTicket("acc", "aapl"), { wrapper });
    const event = { preventDefault: () => {} } as FormEvent;
    await waitFor(() => expect(result.current.price).toBe("676.27"));
    act(() => result.current.setQuantity("10"));
    act(() => result.current.submit(event));
    await waitFor(() => expect(placed(seen)).toHaveLength(1));
    act(() => result.current.changeSecurity());
    answer();
    await waitFor(() => expect(client.isMutating()).toBe(0));
    act(() => result.current.setQuantity("10"));
    act(() => result.current.submit(event));
    await waitFor(() => expect(placed(seen)).toHaveLength(2));
    const [first, second] = placed(seen).map((each) => each.headers.get("Idempotency-Key"));
    expect(second).not.toBe(first);
    answer();
  });

  it("shows a refusal beside the order that it is about, and beside no other", async () => {
    serving(() => problem(422, { code: "insufficient-units", title: "Insufficient units" }));
    open();
    await price();
    const quantity = screen.getByLabelText("Quantity, whole units");
    await userEvent.type(quantity, "10");
    await userEvent.click(button());
    expect((await screen.findByRole("alert")).textContent).toContain("insufficient-units");
    await userEvent.type(quantity, "0");
    expect(screen.queryByRole("alert")).toBeNull();
    await userEvent.type(quantity, "{Backspace}");
    expect(screen.getByRole("alert").textContent).toContain("insufficient-units");
  });

  it("does not call a changed order the same one after a lost answer", async () => {
    const seen = serving(() => Promise.reject(new TypeError("Failed to fetch")));
    open();
    await price();
    const quantity = screen.getByLabelText("Quantity, whole units");
    await userEvent.type(quantity, "10");
    await userEvent.click(button());
    expect(await screen.findByText(/cannot be placed twice/)).toBeTruthy();
    await userEvent.type(quantity, "0");
    expect(screen.queryByText(/cannot be placed twice/)).toBeNull();
    expect(screen.getByText(/this is a new one.*look at your orders first/)).toBeTruthy();
    await userEvent.click(button());
    await waitFor(() => expect(placed(seen)).toHaveLength(2));
    const [first, second] = placed(seen).map((each) => each.headers.get("Idempotency-Key"));
    expect(second).not.toBe(first);
  });

  it("shows the checks of an order that compliance refuses", async () => {
    const check = {
      name: "units-available",
      passed: false,
      inputs: { needed: "1001", available: "1000" },
      code: "insufficient-units",
    };
    serving(() =>
      problem(422, {
        code: "insufficient-units",
        title: "Insufficient units",
        order_id: "o-9",
        checks: [check],
      }),
    );
    open();
    await price();
    await userEvent.type(screen.getByLabelText("Quantity, whole units"), "1001");
    await userEvent.click(button());
    expect(await screen.findByText("needs 1,001 units, has 1,000")).toBeTruthy();
    expect(screen.getByRole("alert").textContent).toContain("insufficient-units");
  });

  it("puts the server's words beside the field they are about", async () => {
    serving(() =>
      problem(422, {
        code: "value-invalid",
        title: "Value invalid",
        errors: [{ pointer: "/body/quantity", detail: "String should match pattern" }],
      }),
    );
    open();
    await price();
    const quantity = screen.getByLabelText("Quantity, whole units");
    await userEvent.type(quantity, "1.5");
    await userEvent.click(button());
    await waitFor(() => expect(quantity.getAttribute("aria-invalid")).toBe("true"));
    const described = quantity.getAttribute("aria-describedby") ?? "";
    expect(document.getElementById(described)?.textContent).toBe("String should match pattern");
  });

  it("sends nothing that is no number above zero", async () => {
    const seen = serving(() => ({}));
    open();
    await price();
    await userEvent.type(screen.getByLabelText("Quantity, whole units"), "ten");
    await userEvent.click(button());
    expect(screen.getByText("Enter a number above zero.")).toBeTruthy();
    expect(placed(seen)).toEqual([]);
  });

  it("stays, explains and sends nothing while the breaker is open", async () => {
    const breaker = { scope: "venue", state: "open", changed_at: null };
    const seen = serving(() => ({}), [breaker]);
    open();
    await price();
    await screen.findByText("The circuit breaker is open.");
    await userEvent.type(screen.getByLabelText("Quantity, whole units"), "10");
    expect(button().getAttribute("aria-disabled")).toBe("true");
    await userEvent.click(button());
    expect(placed(seen)).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { ApiError } from "../../api/errors.ts";
import type { Check } from "../../api/models.ts";
import { outcomeUnknown, refusalOf } from "./refusal.ts";
import { Submissions } from "./submission.ts";
import { checkInWords } from "./words.ts";

const failed: Check = {
  name: "cash-available",
  passed: false,
  inputs: { needed: "1663765.24", currency: "USD", available: "1000000" },
  code: "insufficient-cash",
};
const passed: Check = { name: "price-collar", passed: true, inputs: {}, code: null };

describe("a refusal", () => {
  it("shows its checks, the failed ones first", () => {
    const error = new ApiError(422, "insufficient-cash", "Insufficient cash", "…", [], null, {
      order_id: "o-1",
      checks: [passed, failed],
    });
    const found = refusalOf(error);
    expect(found.checks.map((check) => check.name)).toEqual(["cash-available", "price-collar"]);
    expect(found.orderId).toBe("o-1");
    expect(outcomeUnknown(error)).toBe(false);
  });

  it("maps what the server says of a field to its input", () => {
    const error = new ApiError(422, "value-invalid", "Value invalid", "…", [
      { pointer: "/body/quantity", detail: "must be above zero" },
      { pointer: "/body/client_order_id", detail: "too long" },
    ]);
    expect(refusalOf(error).fields).toEqual({ quantity: "must be above zero" });
  });

  it("leaves it open whether an order arrived when no answer came", () => {
    expect(outcomeUnknown(new ApiError(0, "network", "No answer", ""))).toBe(true);
    expect(outcomeUnknown(new ApiError(503, "database-unavailable", "…", ""))).toBe(true);
    expect(outcomeUnknown(new ApiError(409, "conflict", "…", ""))).toBe(false);
  });
});

describe("a submission", () => {
  const draft = {
    account_id: "a",
    security_id: "s",
    side: "buy",
    quantity: "10",
    limit_price: "676.27",
  } as const;
  const counted = () => {
    let count = 0;
    return new Submissions(() => `id-${++count}`);
  };

  it("keeps its key and id while its fate is unknown", () => {
    const submissions = counted();
    expect(submissions.for(draft)).toEqual(submissions.for({ ...draft }));
    expect(submissions.for(draft).order.client_order_id).toBe("web-id-1");
  });

  it("is a new one when the order changes or was answered", () => {
    const submissions = counted();
    expect(submissions.for(draft).key).toBe("id-1");
    expect(submissions.for({ ...draft, quantity: "11" }).key).toBe("id-2");
    submissions.answered();
    expect(submissions.for({ ...draft, quantity: "11" }).key).toBe("id-3");
  });
});

describe("a check in words", () => {
  it("says what was compared", () => {
    expect(checkInWords(failed)).toBe("needs 1,663,765.24 USD, has 1,000,000.00 USD");
    expect(
      checkInWords({
        ...failed,
        name: "position-limit-units",
        inputs: { limit: "2500", projected: "2501" },
      }),
    ).toBe("would hold 2,501 units, limit 2,500");
  });

  it("does not hide inputs it does not know, or a value that is missing", () => {
    expect(checkInWords({ ...failed, name: "new-rule", inputs: { a: "1", b: "x" } })).toBe(
      "a 1, b x",
    );
    expect(
      checkInWords({
        ...failed,
        name: "price-collar",
        inputs: { price: "5", reference: "unavailable", collar: "0.2" },
      }),
    ).toContain("unavailable");
  });
});

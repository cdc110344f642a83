/** Why a money-weighted return (XIRR) cannot be told, from the status of its equation. */
export function whyNoMoneyWeighted(status: string): string {
  switch (status) {
    case "one_sign":
      return "not available, because all payments go one way";
    case "no_root":
      return "not available, because no rate solves the equation";
    default:
      return "not available, because the period is too short";
  }
}

/** Why a time-weighted return cannot be told. */
export function whyNoTimeWeighted(): string {
  return "not available, because on some day there was a gain without capital";
}

/** Dates and times for people, in UTC: business dates belong to no time zone. */

const PARTS = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" } as const;
const DAY = new Intl.DateTimeFormat("en-US", PARTS);
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZone: "UTC",
});

/** `2012-09-06` as `6 Sep 2012`. */
export function formatDate(day: string): string {
  const found = new Date(`${day.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(found.getTime()) ? day : dayFirst(found);
}

/** An RFC 3339 time as `6 Sep 2012, 13:30:01`, in UTC. */
export function formatTime(instant: string): string {
  const found = new Date(instant);
  return Number.isNaN(found.getTime()) ? instant : `${dayFirst(found)}, ${CLOCK.format(found)}`;
}

/** Day, month, year: the same length of month everywhere, which no one locale gives. */
function dayFirst(instant: Date): string {
  const parts = new Map(DAY.formatToParts(instant).map(({ type, value }) => [type, value]));
  return `${parts.get("day")} ${parts.get("month")} ${parts.get("year")}`;
}

/** The time of day alone, in UTC. */
export function formatClock(instant: string): string {
  const found = new Date(instant);
  return Number.isNaN(found.getTime()) ? instant : CLOCK.format(found);
}

/** How long from one instant to another, in the two largest units: `3 d 4 h`, `12 min`, `40 s`. */
export function formatAge(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  if (Number.isNaN(seconds)) return "unknown";
  return formatSeconds(seconds);
}

/** A duration in its two largest units. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** A day `days` before another; both as `YYYY-MM-DD`. */
export function daysBefore(day: string, days: number): string {
  const found = new Date(`${day}T00:00:00Z`);
  found.setUTCDate(found.getUTCDate() - days);
  return found.toISOString().slice(0, 10);
}

/** The same day of an earlier month; a day that month has not becomes its last. */
export function monthsBefore(day: string, months: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month - months, 0)).getUTCDate();
  const found = new Date(Date.UTC(year, month - 1 - months, Math.min(date, last)));
  return found.toISOString().slice(0, 10);
}

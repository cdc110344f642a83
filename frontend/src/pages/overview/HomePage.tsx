import { hasRole, useSession } from "../../api/queries/session.ts";
import { VenuePage } from "../venue/VenuePage.tsx";
import { OverviewPage } from "./OverviewPage.tsx";

/** The first page: a participant's portfolio, or the venue for those who run or audit it. */
export default function HomePage() {
  const session = useSession().data;
  return hasRole(session, "investor", "trader") ? <OverviewPage /> : <VenuePage />;
}

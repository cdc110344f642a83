import { ButtonLink } from "../components/Button.tsx";
import { PageHeader } from "../components/PageHeader.tsx";

/** There is no such page. */
export function NotFoundPage() {
  return (
    <>
      <PageHeader title="Page not found" lead="There is nothing at this address." />
      <ButtonLink to="/">To the overview</ButtonLink>
    </>
  );
}

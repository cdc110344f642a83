// What axe does not see: sideways scrolling, tiny text, values that were not there.
(leftovers) => {
  const flaws = [];
  const root = document.documentElement;
  const limit = window.innerWidth;
  if (root.scrollWidth > limit) {
    const wide = [...document.body.querySelectorAll("*")].find(
      (each) => each.getBoundingClientRect().right > limit + 1,
    );
    flaws.push(`scrolls sideways: ${root.scrollWidth} > ${limit}: ${wide?.outerHTML.slice(0, 160)}`);
  }
  for (const each of document.body.querySelectorAll("p, td, th, span, a, button, li, dd, dt")) {
    const shown = each.textContent.trim() && each.offsetParent !== null;
    if (shown && Number.parseFloat(getComputedStyle(each).fontSize) < 12) {
      flaws.push(`text under 12 px: ${each.outerHTML.slice(0, 120)}`);
      break;
    }
  }
  const text = document.body.innerText;
  const hit = text.match(new RegExp(leftovers));
  if (hit) flaws.push(`shows ${hit[0]}: ${text.slice(Math.max(0, hit.index - 60), hit.index + 40)}`);
  return flaws;
}

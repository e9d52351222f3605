// Things that float beside what opened them: placed inside the window, closed by Escape or a press elsewhere.

/** Show `panel` beside `anchor` (an element or {x, y}); `onclose` hears of its end. Returns the closing function. */
export function float(panel, anchor, { onclose, align = "start", prefer = "below", matchWidth = false } = {}) {
  const element = anchor instanceof Element ? anchor : null;
  // Inside a dialog the rest of the page is inert, so the panel has to live in there too.
  (element?.closest("dialog") ?? document.body).append(panel);
  panel.popover = "manual";
  panel.classList.add("floating");
  if (matchWidth && element) panel.style.minWidth = `${element.offsetWidth}px`;
  panel.showPopover();
  const place = () => position(panel, element ? element.getBoundingClientRect() : spot(anchor), align, prefer);
  place();
  const before = document.activeElement;
  const close = ({ restore = true } = {}) => {
    if (!panel.isConnected) return;
    const had = panel.contains(document.activeElement);
    document.removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", close);
    panel.remove();
    if (restore && had) (element?.isConnected ? element : before)?.focus?.({ preventScroll: true });
    onclose?.();
  };
  const outside = (event) => {
    if (!panel.contains(event.target) && !element?.contains(event.target)) close({ restore: false });
  };
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  document.addEventListener("pointerdown", outside, true);
  addEventListener("resize", close);
  return close;
}

const spot = ({ x, y }) => ({ left: x, right: x, top: y, bottom: y, width: 0 });
const GAP = 6;
const EDGE = 8;

function position(panel, rect, align, prefer) {
  const { offsetWidth: width, offsetHeight: height } = panel;
  const left = align === "end" ? rect.right - width : rect.left;
  const below = rect.bottom + GAP;
  const above = rect.top - GAP - height;
  const fitsBelow = below + height <= innerHeight - EDGE;
  const top = (prefer === "below" ? fitsBelow : above < EDGE && fitsBelow) ? below : above;
  panel.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
  panel.style.top = `${Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))}px`;
}

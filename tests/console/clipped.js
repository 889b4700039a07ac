() => {
  // Returns what is wrong with how a page lies there, in words; nothing where all is well.
  const found = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth + 1) found.push(`the document is ${wide} px wide in a window of ${innerWidth}`);
  const told = (el, text) => `<${el.tagName.toLowerCase()} class="${el.getAttribute("class") || ""}"> ${text.trim().slice(0, 40)}`;
  const floats = (el) => {
    for (let it = el; it && it !== document.body; it = it.parentElement) {
      if (["fixed", "sticky"].includes(getComputedStyle(it).position)) return true;
      if (it.matches(".menu-box, .unseen, .skip, [data-shortened]")) return true;
      if (getComputedStyle(it).clipPath !== "none") return true;
    }
    return false;
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const el = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE", "OPTION", "TITLE", "DESC", "TEXTAREA"].includes(el.tagName.toUpperCase())) continue;
    if (!el.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true }) || floats(el)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 1 || box.height < 1) continue;
      if (box.right > innerWidth + 1 || box.left < -1) found.push(`outside of the window: ${told(el, node.data)}`);
      texts.push({ box, el, text: node.data });
    }
    for (let it = el; it && it !== document.body; it = it.parentElement) {
      const style = getComputedStyle(it);
      if (style.display === "inline" || it.namespaceURI.endsWith("svg")) continue;
      const hides = ["hidden", "clip"].includes(style.overflowX) && it.scrollWidth > it.clientWidth + 1;
      const cuts = ["hidden", "clip"].includes(style.overflowY) && it.scrollHeight > it.clientHeight + 1;
      if (hides || cuts) { found.push(`cut off: ${told(it, node.data)}`); break; }
    }
  }
  // A label with more lines than words is squeezed: "Sear ch".
  const lines = new Map();
  for (const { box, el, text } of texts) {
    if (!el.closest("button, .button, thead th, .badge, .chip, dt, label, summary") || el.closest("bdi")) continue;
    const key = `${told(el, text)}`;
    lines.set(key, { tops: (lines.get(key)?.tops ?? new Map()).set(Math.round(box.top), el), text });
  }
  for (const [key, { tops, text }] of lines) {
    const els = new Set(tops.values()).size;
    if (tops.size > els * text.trim().split(/[\s/\u00ad-]+/).length) found.push(`a word is broken: ${key}`);
  }
  // Glyphs fill about two thirds of their line box: boxes may touch, letters may not.
  const inner = ({ top, bottom, left, right }) => ({ top: top + (bottom - top) * 0.2, bottom: bottom - (bottom - top) * 0.2, left, right });
  texts.forEach((one, index) => {
    const a = inner(one.box);
    for (const other of texts.slice(index + 1)) {
      if (one.el === other.el) continue;
      const b = inner(other.box);
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 1.5 && down > 1.5) found.push(`overlapping: ${told(one.el, one.text)} and ${told(other.el, other.text)}`);
    }
  });
  return [...new Set(found)].slice(0, 12);
}

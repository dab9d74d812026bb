package interop_test

// contrast returns the texts on the page whose colour is too near to that behind them: WCAG 2 asks
// for a ratio of 4.5, and of 3 for large text.
const contrast = `(() => {
	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m[3] ?? 1 }; };
	const light = (rgb) => {
		const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.a === 1) return c.rgb;
		}
		return [255, 255, 255];
	};
	const pale = new Set();
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let t; (t = texts.nextNode()); ) {
		const e = t.parentElement;
		if (!t.data.trim() || !e.checkVisibility()) continue;
		if (e.closest("svg, [aria-disabled=true], :disabled, .skip, option")) continue;
		const style = getComputedStyle(e);
		const [a, b] = [light(parse(style.color).rgb), light(behind(e))].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
		if (ratio < (large ? 3 : 4.5)) pale.add(t.data.trim().slice(0, 40) + " " + ratio.toFixed(2));
	}
	return [...pale];
})()`

// withoutName returns the controls that have no name for those who do not see them.
const withoutName = `[...document.querySelectorAll("a, button, input, select, textarea, [role=radio], [tabindex='0']")]
	.filter((e) => !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.labels?.length ||
		e.innerText?.trim() || e.title))
	.map((e) => e.outerHTML.slice(0, 120))`

// focusShows reports whether something shows where the focus is: an outline, or the ring of a peer.
const focusShows = `(() => {
	const e = document.activeElement;
	const own = getComputedStyle(e);
	if (own.outlineStyle !== "none" && own.outlineWidth !== "0px") return true;
	const reach = e.querySelector(":scope > .reach");
	return e.id === "content" || Boolean(reach) && getComputedStyle(reach).stroke !== "none";
})()`

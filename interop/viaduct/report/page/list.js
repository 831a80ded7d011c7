// The list of cases: filters by verdict, legs and rule, search, and the address of an opened case.
(() => {
  const cases = [...document.querySelectorAll(".case")];
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  const filters = document.getElementById("filters");
  const chosen = { verdicts: new Set(), legs: null, rule: null, word: null };

  function matches(item) {
    const { verdict, legs, kinds, rules, words } = item.dataset;
    return (
      (!chosen.verdicts.size || chosen.verdicts.has(verdict)) &&
      (chosen.legs === null || legs === chosen.legs) &&
      (chosen.rule === null || rules.split(" ").includes(chosen.rule)) &&
      (chosen.word === null || kinds.split(" ").includes(chosen.word)) &&
      search.value
        .toLowerCase()
        .split(/\s+/)
        .every((word) => words.includes(word))
    );
  }

  function apply() {
    let count = 0;
    for (const item of cases) {
      item.hidden = !matches(item);
      count += item.hidden ? 0 : 1;
    }
    shown.textContent =
      count === cases.length ? `${count} shown` : `${count} of ${cases.length} shown`;
    none.hidden = count > 0;
    for (const chip of document.querySelectorAll(".chips .chip")) {
      chip.setAttribute("aria-pressed", String(chosen.verdicts.has(chip.dataset.verdict)));
    }
    for (const cell of document.querySelectorAll(".cell")) {
      cell.setAttribute("aria-pressed", String(cell.dataset.legs === chosen.legs));
    }
    for (const button of document.querySelectorAll(".word")) {
      button.setAttribute("aria-pressed", String(button.dataset.word === chosen.word));
    }
    filters.replaceChildren();
    if (chosen.legs !== null)
      filters.append(removable(chosen.legs.toUpperCase().replace(" ", " → "), "legs"));
    if (chosen.rule !== null) filters.append(removable(chosen.rule, "rule"));
    if (chosen.word !== null) filters.append(removable(chosen.word, "word"));
  }

  function removable(text, name) {
    const chip = make("button", "chip", `${text} ×`);
    chip.type = "button";
    chip.setAttribute("aria-label", `Remove the filter ${text}`);
    chip.addEventListener("click", () => {
      chosen[name] = null;
      apply();
    });
    return chip;
  }

  function reset() {
    chosen.verdicts.clear();
    chosen.legs = null;
    chosen.rule = null;
    chosen.word = null;
    search.value = "";
    apply();
  }

  function toCases() {
    document.getElementById("cases").scrollIntoView({ block: "start" });
  }

  document.addEventListener("click", (click) => {
    const at = (selector) => click.target.closest(selector);
    let hit;
    if ((hit = at(".chips .chip"))) {
      const { verdict } = hit.dataset;
      if (!chosen.verdicts.delete(verdict)) chosen.verdicts.add(verdict);
      apply();
    } else if ((hit = at(".cell"))) {
      chosen.legs = chosen.legs === hit.dataset.legs ? null : hit.dataset.legs;
      apply();
    } else if ((hit = at(".word"))) {
      chosen.word = chosen.word === hit.dataset.word ? null : hit.dataset.word;
      apply();
    } else if ((hit = at(".show-rule"))) {
      chosen.rule = hit.dataset.rule;
      apply();
      toCases();
    } else if (at("#reset")) {
      reset();
    } else if ((hit = at(".download"))) {
      Detail.download(hit);
    } else if (at("#theme")) {
      theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    }
  });

  search.addEventListener("input", apply);
  document.addEventListener("keydown", (key) => {
    if (key.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      key.preventDefault();
      search.focus();
    } else if (key.key === "Escape") {
      reset();
    }
  });

  for (const item of cases) {
    item.addEventListener("toggle", () => {
      if (!item.open) return;
      Detail.open(item);
      history.replaceState(null, "", `#${item.id}`);
    });
  }

  function follow() {
    const item = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!item?.classList.contains("case")) return;
    item.hidden = false;
    item.open = true;
    item.scrollIntoView({ block: "start" });
  }

  function theme(name) {
    document.documentElement.dataset.theme = name;
  }

  theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  addEventListener("hashchange", follow);
  let onScreen = "light";
  addEventListener("afterprint", () => theme(onScreen));
  addEventListener("beforeprint", () => {
    onScreen = document.documentElement.dataset.theme;
    theme("light");
    for (const item of cases)
      if (!item.hidden && /^(fail|error|inconclusive)$/.test(item.dataset.verdict))
        item.open = true;
  });
  apply();
  follow();
})();

// What a case shows when it is opened: explanations, excerpts, ladder and the raw message beside it.
const Detail = (() => {
  const opened = new WeakSet();
  const target = document.querySelector(".context strong").textContent;

  function collect(body) {
    const marks = new Map();
    for (const item of body.querySelectorAll(".finding[data-event]")) {
      const { event, from, to, rule } = item.dataset;
      // What is said of another end is shown, but in grey: it is not what the case is red for.
      const verdict = item.closest(".observed") ? "skip" : item.dataset.verdict;
      const text = item.querySelector("p").textContent;
      const range = from === undefined ? null : [Number(from), Number(to)];
      const list = marks.get(Number(event)) ?? [];
      list.push({ verdict, rule, text, range, item });
      marks.set(Number(event), list);
    }
    const order = ["fail", "inconclusive", "warn", "skip"];
    for (const list of marks.values())
      list.sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
    return marks;
  }

  async function open(details) {
    if (opened.has(details)) return;
    opened.add(details);
    const wire = details.querySelector(".wire");
    for (const why of details.querySelectorAll(".why")) {
      why.append(document.getElementById(`why-${why.dataset.why}`).content.cloneNode(true));
    }
    const element = document.getElementById(details.dataset.trace ?? "");
    if (!element) return;
    if (element.dataset.problem) {
      wire.append(make("p", "faint", element.dataset.problem));
      return;
    }
    try {
      const trace = await Traces.load(element);
      excerpts(details, trace);
      mount(wire, details, trace);
    } catch (error) {
      wire.replaceChildren(make("p", "faint", `The trace cannot be shown: ${error.message}`));
    }
  }

  function excerpts(details, trace) {
    const byNumber = new Map(trace.events.map((event) => [event.n, event]));
    for (const item of details.querySelectorAll(".finding[data-event]")) {
      const event = byNumber.get(Number(item.dataset.event));
      const pre = item.querySelector(".excerpt");
      if (!event || !event.bytes.length) continue;
      const range =
        item.dataset.from === undefined
          ? []
          : [[Number(item.dataset.from), Number(item.dataset.to)]];
      pre.append(Message.excerpt(event.bytes, range));
      pre.hidden = false;
    }
  }

  function mount(wire, details, trace) {
    const pane = make("div", "raw");
    const switches = make("div", "switches");
    const options = {
      marks: collect(details),
      name: target,
      // Where no SIP message came through, the frames are all there is to see.
      frames: !trace.events.some((event) => event.kind === "message"),
      inside: false,
      width: 0,
      select,
    };
    let rows = new Map();
    let current = null;

    function render() {
      wire.querySelector(".ladder")?.remove();
      options.width = Math.max(
        420,
        (wire.clientWidth || 1100) * (wire.clientWidth > 760 ? 0.57 : 1),
      );
      const built = Ladder.build(trace, options);
      rows = built.rows;
      switches.after(built.box);
      if (current !== null) select(current, false);
    }

    function select(n, move = true) {
      const event = trace.events.find((candidate) => candidate.n === n);
      if (!event) return;
      rows.get(current)?.classList.remove("selected");
      rows.get(current)?.setAttribute("tabindex", "-1");
      current = n;
      const row = rows.get(n);
      row?.classList.add("selected");
      row?.setAttribute("tabindex", "0");
      if (move && row) scrollTo(row);
      Message.show(pane, event, trace, options);
    }

    function scrollTo(row) {
      const box = wire.querySelector(".ladder");
      const top = row.getBoundingClientRect().top - box.getBoundingClientRect().top;
      if (top < 60 || top > box.clientHeight - 50) box.scrollTop += top - box.clientHeight / 2;
    }

    function toggle(name, text, has) {
      if (!trace.events.some(has)) return;
      const input = make("input");
      input.type = "checkbox";
      input.checked = options[name];
      input.addEventListener("change", () => {
        options[name] = input.checked;
        render();
      });
      switches.append(make("label", "", input, text));
    }

    toggle("frames", "WebSocket frames", (event) => event.kind === "frame");
    const outside = trace.events.some((event) => event.kind === "message" && !event.inside);
    toggle("inside", `What ${target} itself recorded`, (event) => event.inside && outside);
    const flows = new Set(
      trace.events.filter((event) => event.flow).map((event) => `${event.at} ${event.flow}`),
    );
    const messages = trace.events.filter(
      (event) => event.kind === "message" && !event.inside,
    ).length;
    switches.append(
      make("span", "", `${flows.size} flows, ${messages} messages, ${trace.events.length} events`),
    );
    wire.append(switches, pane);
    render();
    const start = opening(trace, options.marks, details.dataset.verdict);
    if (start !== undefined) select(start);

    wire.addEventListener("keydown", (key) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[key.key];
      if (!step || !key.target.closest(".event")) return;
      const order = [...rows.keys()];
      const next = order[order.indexOf(current) + step];
      key.preventDefault();
      if (next === undefined) return;
      select(next);
      rows.get(next).focus({ preventScroll: true });
    });
    for (const button of details.querySelectorAll(".go")) {
      button.addEventListener("click", () => {
        select(Number(button.closest(".finding").dataset.event));
        wire.scrollIntoView({ block: "nearest" });
      });
    }
  }

  // What to look at first: the first marked event; in a case that fails without one, the first refusal.
  function opening(trace, marks, verdict) {
    const marked = [...marks].filter(([, list]) => list[0].verdict !== "skip").map(([n]) => n);
    if (marked.length) return Math.min(...marked);
    const messages = trace.events.filter((event) => event.kind === "message" && !event.keepAlive);
    const refusal = messages.find(
      (event) => /^[4-6]\d\d /.test(event.label) && !/^(401|407|487) /.test(event.label),
    );
    const first = messages[0] ?? trace.events.find((event) => event.bytes.length > 0);
    return ((verdict === "pass" ? null : refusal) ?? first)?.n;
  }

  async function download(button) {
    const element = document.getElementById(button.closest(".case").dataset.trace);
    if (element.dataset.problem) {
      button.textContent = element.dataset.problem;
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(
      new Blob([await Traces.unpack(element)], { type: "application/jsonl" }),
    );
    link.download = element.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  return { download, open };
})();

// The call ladder: a lane per flow, the system under test between the caller's lanes and the others'.
const Ladder = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const CLOCK = 62; // width of the column of times
  const ROW = 34;
  const SMALL = 26;
  const PAUSE = 0.5; // seconds of silence that the ladder points out
  const FIRST = 400; // rows drawn at once; a button draws the rest

  function draw(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // Events that are shown: WebSocket frames, and what the system under test says of itself, on demand.
  function pick(trace, options) {
    const outside = trace.events.some((event) => event.kind === "message" && !event.inside);
    const control = (event) => event.info.opcode >= 8;
    return trace.events.filter((event) => {
      if (event.inside && outside && !options.inside) return false;
      return (
        event.kind !== "frame" || options.frames || control(event) || options.marks.has(event.n)
      );
    });
  }

  const laneKey = (event) => `${event.at}\n${event.flow}`;

  function lanes(events) {
    const found = new Map();
    for (const event of events) {
      if (!event.flow) continue;
      const key = laneKey(event);
      if (!found.has(key)) {
        found.set(key, {
          at: event.at,
          flow: event.flow,
          transport: event.transport,
          inside: event.inside,
          from: event,
          to: event,
        });
      }
      const lane = found.get(key);
      lane.to = event;
      lane.address ??= event.inside ? event.remote : event.local;
    }
    return found;
  }

  // The side that starts the call stands on the left; of a server's own trace, the first flow does.
  function initiator(events) {
    const starts = (event) => event.kind === "message" && (event.dir === "out") !== event.inside;
    const opening = events.find(
      (event) => starts(event) && !/^(REGISTER|SIP\/2\.0|\d{3}|keep-alive)/.test(event.label),
    );
    return opening ?? events.find(starts) ?? events.find((event) => event.flow);
  }

  function arrange(events, available) {
    const found = lanes(events);
    const first = initiator(events);
    const same = (lane) =>
      first &&
      (first.inside ? lane.flow === first.flow && lane.at === first.at : lane.at === first.at);
    const left = [...found.values()].filter(same);
    const right = [...found.values()].filter((lane) => !same(lane));
    const gaps = Math.max(left.length, 1) + right.length;
    const gap = Math.max(130, Math.min(260, (available - CLOCK - 90) / gaps));
    let x = CLOCK + 50;
    for (const lane of left) {
      lane.x = x;
      x += gap;
    }
    const sut = left.length ? x : x + 40;
    x = sut;
    for (const lane of right) {
      x += gap;
      lane.x = x;
    }
    return { found, left, right, sut, width: Math.max(x + 60, 360), gap };
  }

  const heads = (plan, name) => {
    const row = make("div", "lanes");
    row.style.width = `${plan.width}px`;
    const put = (x, title, small, transport) => {
      const box = make(
        "div",
        `lane leg-${transport}`,
        make("b", "", Bytes.visible(title)),
        make("small", "", Bytes.visible(small)),
      );
      box.style.left = `${x}px`;
      row.append(box);
      return box;
    };
    for (const lane of plan.found.values()) {
      const box = put(
        lane.x,
        lane.inside ? (lane.address ?? lane.flow) : lane.at,
        `${lane.flow || lane.transport}`,
        lane.transport,
      );
      box.title = [lane.transport.toUpperCase(), lane.address].filter(Boolean).join(" ");
    }
    put(plan.sut, name, "under test", "");
    return row;
  };

  function build(trace, options) {
    const events = pick(trace, options);
    const plan = arrange(events, options.width);
    const box = make("div", "ladder", heads(plan, options.name));
    const canvas = draw("svg", {
      width: plan.width,
      role: "group",
      "aria-label": "Ladder of messages",
    });
    box.append(canvas);
    const rows = new Map();
    paint(canvas, trace, events.slice(0, FIRST), plan, options, rows);
    if (events.length > FIRST) {
      const more = make("button", "link", `Draw all ${events.length} events`);
      more.type = "button";
      more.addEventListener("click", () => {
        canvas.replaceChildren();
        rows.clear();
        paint(canvas, trace, events, plan, options, rows);
        more.remove();
      });
      box.append(more);
    }
    return { box, rows };
  }

  function paint(canvas, trace, events, plan, options, rows) {
    const back = draw("g", {});
    const front = draw("g", {});
    const places = new Map();
    let y = 14;
    let before = events[0]?.t;
    for (const event of events) {
      if (event.t - before > PAUSE) {
        back.append(
          draw(
            "text",
            { class: "pause", x: CLOCK, y: y + 10 },
            `… ${(event.t - before).toFixed(1)} s …`,
          ),
        );
        y += SMALL;
      }
      before = event.t;
      const height = event.kind === "message" && !event.keepAlive ? ROW : SMALL;
      const row =
        event.kind === "note"
          ? separator(event, plan, y, height)
          : step(event, trace, plan, y, height, options);
      row.addEventListener("click", () => options.select(event.n));
      rows.set(event.n, row);
      front.append(row);
      places.set(event, y + height / 2);
      y += height;
    }
    life(back, plan, places, y);
    canvas.setAttribute("height", y + 14);
    canvas.append(back, front);
  }

  function life(back, plan, places, bottom) {
    back.prepend(
      draw("rect", { class: "sut", x: plan.sut - 5, y: 4, width: 10, height: bottom, rx: 5 }),
    );
    for (const lane of plan.found.values()) {
      const from = places.get(lane.from) ?? 4;
      const to = places.get(lane.to) ?? bottom;
      back.append(
        draw("line", { class: "life", x1: lane.x, x2: lane.x, y1: 4, y2: bottom }),
        draw("line", {
          class: `alive leg-${lane.transport}`,
          x1: lane.x,
          x2: lane.x,
          y1: from,
          y2: to,
        }),
      );
    }
  }

  function frame(event, plan, y, height, name) {
    const row = draw("g", {
      class: `event ${name}`,
      tabindex: "-1",
      role: "button",
      "aria-label": `Event ${event.n}: ${event.label}`,
    });
    row.append(draw("rect", { class: "back", x: 2, y, width: plan.width - 4, height, rx: 5 }));
    return row;
  }

  function separator(event, plan, y, height) {
    const row = frame(event, plan, y, height, "minor");
    const middle = y + height / 2;
    row.append(
      draw("line", { class: "rule-line", x1: 8, x2: plan.width - 8, y1: middle, y2: middle }),
      draw("text", { x: CLOCK, y: middle + 4 }, Bytes.visible(event.label)),
    );
    return row;
  }

  function step(event, trace, plan, y, height, options) {
    const lane =
      plan.found.get(laneKey(event)) ??
      [...plan.found.values()].find((other) => other.at === event.at);
    const marks = options.marks.get(event.n);
    const minor = event.kind !== "message" || event.keepAlive;
    const names = [
      `leg-${event.transport || lane?.transport}`,
      minor && "minor",
      marks && `marked v-${marks[0].verdict}`,
    ];
    const row = frame(event, plan, y, height, names.filter(Boolean).join(" "));
    const base = y + height - (minor ? 7 : 9);
    const here = lane ? lane.x : plan.sut;
    const leaves =
      event.dir !== null && event.dir !== undefined && (event.dir === "out") !== event.inside;
    const from = leaves || !event.dir ? here : plan.sut;
    const to = leaves || !event.dir ? plan.sut : here;
    row.append(
      draw("text", { class: "when", x: 8, y: base + 1 }, `${(event.t - trace.start).toFixed(3)}`),
    );
    if (lane) row.append(...arrow(event, from, to, base));
    const room = Math.floor((Math.abs(here - plan.sut) - 22) / (minor ? 6.7 : 7.3));
    const words = marks ? `${marks[0].verdict === "fail" ? "✗" : "!"} ${event.label}` : event.label;
    const text = words.length > room && room > 4 ? `${words.slice(0, room - 1)}…` : words;
    row.append(
      draw("text", { x: (here + plan.sut) / 2, y: base - 6, "text-anchor": "middle" }, text),
    );
    row.append(draw("title", {}, `${event.n}: ${event.label}`));
    return row;
  }

  function arrow(event, from, to, y) {
    const way = Math.sign(to - from);
    const start = from + way * 6;
    const end = to - way * 6;
    const line = draw("line", { class: "arrow", x1: start, x2: end, y1: y, y2: y });
    const dot = draw("circle", { class: "tip", cx: start, cy: y, r: 3 });
    if (!event.flow) return [dot];
    if (!event.dir) return [line, dot];
    if (event.kind === "close") {
      const cross = `M${start - 4} ${y - 4}l8 8m0-8l-8 8`;
      return [line, draw("path", { class: "arrow", d: cross })];
    }
    return [line, draw("path", { class: "tip", d: `M${end} ${y}l${-way * 9} -4.5v9z` })];
  }

  return { build };
})();

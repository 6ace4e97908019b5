// SPDX-License-Identifier: MIT
/* The order board: draws what the server tells on /events, and sends the orders of the form.
 *
 * Events change the state below and nothing else; the server's tick, four times a second, is the
 * beat on which all is drawn. So the work of drawing stays the same however many orders pass, and a
 * page that is paused draws nothing. A page that nobody looks at has no connection: a browser opens
 * six to one host, and pages in the background would keep them from those that are seen, and from
 * orders. When it is looked at again it begins with the whole board.
 *
 * What is kept is bounded: TRACKED tickets, WINDOW_MS of samples, a few orders of this page. Events
 * can be missing (the server drops the oldest for a slow viewer), so the counts of a tick decide,
 * and tickets that the counts no longer cover are let go.
 *
 * Names and pizzas are written by strangers: they become text nodes and never markup. */

const SHOWN = 6; /* tickets in a column */
const TRACKED = 2000;
const MINE = 4;
/* orders of this page without an answer; a browser opens few connections to one host */
const IN_FLIGHT = 4;
const WINDOW_MS = 60000;
const GAP_MS = 1500; /* samples that lie further apart are not joined by a line */
const SAMPLE_MS = 900; /* in a rush the tickets are a sample, taken once in so long */
/* a rush is over when so long no beat had more to move than the eye can follow */
const CALM_MS = 2000;
const SETTLED_MS = 1000; /* a ticket that has not moved for so long is compared with the counts */
const SILENCE_MS = 5000; /* so long without a tick, and the connection counts as lost */
/* Longer and longer, and each drawn from half to one and a half of it, so that pages which lost
 * their server together do not all come back together. */
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 16000];
const SLOTS = 128; /* more than so many are shown as one bar */

const STEP = { waiting: 1, baking: 2, ready: 3, lost: 3, rejected: 3, gave_up: 3 };
const COLUMN_OF = {
  waiting: "waiting",
  baking: "baking",
  ready: "ready",
  lost: "lost",
  rejected: "lost",
  gave_up: "lost",
};
const WHY_LOST = { lost: "spoiled", rejected: "turned away", gave_up: "waited too long" };
const WHEN_FULL = {
  reject: "a full channel turns orders away",
  wait: "orders wait outside a full channel",
  backlog: "a full channel leaves new customers at the door",
};

const byId = (id) => document.getElementById(id);
const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/* ---- Words and numbers ----------------------------------------------------------------------- */

const whole = (n) => Math.round(n).toLocaleString("en");
const rate = (n) => (n > 0 && n < 10 ? n.toFixed(1) : whole(n));
const several = (n, one, many) => `${whole(n)} ${n === 1 ? one : many}`;

const brief = new Intl.NumberFormat("en", { notation: "compact" });

function duration(ms) {
  if (ms >= 10000) return [whole(ms / 1000), "s"];
  if (ms >= 1000) return [(ms / 1000).toFixed(1), "s"];
  return [ms < 10 ? ms.toFixed(ms < 1 ? 2 : 1) : whole(ms), "ms"];
}

const spell = (ms) => duration(ms).join(" ");

function element(name, className, text) {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

/* ---- State ----------------------------------------------------------------------------------- */

const kitchen = { capacity: 0, bakers: 1, loops: 1, policy: "", opened: 0, name: "" };
/* by key: the order's number, or one of our own for an order that got none */
const tickets = new Map();
const nameless = []; /* keys of tickets without a number */
const mine = []; /* numbers of the orders that this page sent */
let samples = []; /* {at, depth, outside, rejected, arrived}, the oldest first */
let tick = null; /* the last one */
let isPaused = false; /* nothing is drawn, and all is kept up to date */
let clockOffset = null; /* from the server's milliseconds to this page's */
let moves = 0; /* counts the tickets' changes of column, to order them by */
let sampledAt = 0; /* when the tickets were drawn */
let rushedAt = -CALM_MS; /* when more moved than the eye can follow */

/* A ticket shows `state`; `ahead` are the states that it reached since it was drawn last. Two
 * threads tell of an order, so the word that it waits can come behind the word that it bakes:
 * the states are put in order, and a ticket never goes back. */
function onOrder(order) {
  if (!(order.state in COLUMN_OF)) return;
  const key = order.number > 0 ? `${order.number}` : `turned away, ${++moves}`;
  const ticket = tickets.get(key) ?? { key, state: "", ahead: [] };
  if (STEP[order.state] >= (STEP[ticket.order?.state] ?? 0)) ticket.order = order;
  if (STEP[order.state] > (STEP[ticket.state] ?? 0)) ticket.ahead.push(order.state);
  ticket.ahead.sort((a, b) => STEP[a] - STEP[b]);
  ticket.changedAt = performance.now();
  /* so that the map's first ticket is the one that has not changed for longest */
  tickets.delete(key);
  tickets.set(key, ticket);
  if (order.number === 0) nameless.push(key);
  if (nameless.length > SHOWN) tickets.delete(nameless.shift());
  if (tickets.size > TRACKED) tickets.delete(tickets.keys().next().value);
}

/* Another server counts its orders and its time anew. */
function forgetServer() {
  tickets.clear();
  mine.length = 0;
  clockOffset = null;
}

/* What became of orders still holds; what is under way is told. */
function forgetOpenTickets() {
  for (const [key, { order }] of tickets) if (STEP[order.state] < STEP.ready) tickets.delete(key);
}

/* The whole board: what counts, and the tickets that belong to it. */
function onHello({ orders, tick: first, ...facts }) {
  if (facts.opened !== kitchen.opened) forgetServer();
  forgetOpenTickets();
  Object.assign(kitchen, facts);
  showKitchen();
  tick = null;
  orders.sort((a, b) => a.number - b.number);
  for (const order of orders) onOrder(order);
  for (const { number } of orders) arriveAtOnce(tickets.get(`${number}`));
  onTick(first);
}

/* A ticket that was there before the page did not move. */
function arriveAtOnce(ticket) {
  ticket.state = ticket.ahead.pop() ?? ticket.state;
  ticket.ahead.length = 0;
  ticket.moved = ++moves;
}

function showKitchen() {
  const facts = kitchen.name === "" ? [] : [kitchen.name];
  facts.push(
    several(kitchen.bakers, "baker", "bakers"),
    several(kitchen.loops, "loop", "loops"),
  );
  facts.push(`room for ${several(kitchen.capacity, "order", "orders")}`);
  if (kitchen.policy in WHEN_FULL) facts.push(WHEN_FULL[kitchen.policy]);
  write(byId("kitchen"), facts.join(" · "));
  byId("outside-key").hidden = kitchen.policy === "reject";
  document
    .querySelector("[data-column=baking]")
    .style.setProperty("--bakers", Math.min(SHOWN, Math.max(1, kitchen.bakers)));
}

/* How many orders wait for room in the channel. Where there is room, an order that waits outside
 * is on its way to the oven. */
function outsideOf({ depth, capacity, waiting, elsewhere }) {
  if (elsewhere) return elsewhere.outside;
  return depth < capacity ? 0 : Math.max(0, waiting - depth);
}

function onTick(next) {
  clockOffset ??= performance.now() - next.t;
  const at = next.t + clockOffset;
  const rejected = tick === null ? 0 : Math.max(0, next.rejected - tick.rejected);
  samples.push({
    at,
    depth: next.depth,
    outside: outsideOf(next),
    rejected,
    arrived: next.arrived,
  });
  samples = samples.filter((sample) => sample.at > at - WINDOW_MS);
  tick = next;
  learnOfBakers(next);
  if (!document.hidden && !isPaused) draw();
}

/* Where bakers are elsewhere, a tick tells how many there are, and how much room. */
function learnOfBakers({ capacity, elsewhere }) {
  const facts = { capacity };
  if (elsewhere) {
    facts.name = elsewhere.name;
    facts.bakers = elsewhere.bakers.reduce((sum, { threads }) => sum + threads, 0);
  }
  if (Object.entries(facts).every(([name, value]) => kitchen[name] === value)) return;
  Object.assign(kitchen, facts);
  showKitchen();
}

function redraw() {
  if (tick !== null && !document.hidden) draw();
}

function pause() {
  isPaused = !isPaused;
  write(byId("pause"), isPaused ? "Go on" : "Pause");
  if (!isPaused) redraw();
}

function draw() {
  drawFigures();
  drawDepth();
  drawGraph();
  drawBakers();
  drawBoard();
}

/* ---- The figures and the depth --------------------------------------------------------------- */

/* How fast a count of the samples grew in the last second. */
function perSecond(count) {
  const last = samples[samples.length - 1];
  const first = samples.find((sample) => sample.at >= last.at - 1100);
  if (last === first || count(last) < count(first)) return 0;
  return ((count(last) - count(first)) * 1000) / (last.at - first.at);
}

function drawFigures() {
  write(byId("arriving"), rate(perSecond((sample) => sample.arrived)));
  write(byId("throughput"), rate(tick.throughput));
  write(byId("rejections"), whole(tick.rejected + tick.gave_up));
  for (const name of ["p50", "p99"]) {
    const [value, unit] = tick[name] > 0 ? duration(tick[name]) : ["–", "ms"];
    write(byId(name), value);
    write(byId(`${name}-unit`), unit);
  }
  write(
    byId("skipped"),
    tick.skipped > 0
      ? `In the rush, ${several(tick.skipped, "event was", "events were")} left out here.`
      : "",
  );
}

function drawDepth() {
  const { depth } = tick;
  const { capacity } = kitchen;
  const slots = byId("slots");
  write(byId("depth"), whole(depth));
  const outside = outsideOf(tick);
  write(
    byId("room"),
    `of ${whole(capacity)}${outside > 0 ? `, and ${whole(outside)} wait for room` : ""}`,
  );
  slots.setAttribute("aria-valuemax", capacity);
  slots.setAttribute("aria-valuenow", Math.min(depth, capacity));
  slots.classList.toggle("full", capacity > 0 && depth >= capacity);
  slots.style.setProperty("--slots", capacity > SLOTS ? 1 : Math.max(1, capacity));
  slots.style.setProperty(
    "--filled",
    `${capacity > 0 ? Math.min(100, (depth / capacity) * 100) : 0}%`,
  );
}

/* ---- The graph ------------------------------------------------------------------------------- */

const MARGIN = { top: 20, right: 1, bottom: 22, left: 34 };

/* Answers the samples as runs that are drawn without a gap. */
function runsOf(points) {
  const runs = [];
  points.forEach((point, i) => {
    if (i === 0 || point.at - points[i - 1].at > GAP_MS) runs.push([]);
    runs[runs.length - 1].push(point);
  });
  return runs;
}

function drawGraph() {
  const graph = byId("graph");
  const { width, height } = graph.getBoundingClientRect();
  const bottom = height - MARGIN.bottom;
  const highest = samples.reduce((most, sample) => Math.max(most, sample.depth), 0);
  const top = samples.reduce(
    (most, sample) => Math.max(most, sample.depth + sample.outside),
    Math.max(kitchen.capacity, 1),
  );
  const now = samples[samples.length - 1].at;
  const x = (at) =>
    (MARGIN.left + (1 - (now - at) / WINDOW_MS) * (width - MARGIN.left - MARGIN.right)).toFixed(1);
  const y = (depth) => (bottom - (depth / top) * (bottom - MARGIN.top)).toFixed(1);
  const runs = runsOf(samples);
  const outline = (run, count) =>
    run.map((sample) => `${x(sample.at)} ${y(count(sample))}`).join("L");
  const area = (run, count) =>
    `M${x(run[0].at)} ${bottom}L${outline(run, count)}L${x(run[run.length - 1].at)} ${bottom}Z`;
  const place = (id, path) => byId(id).setAttribute("d", path);

  place("line", runs.map((run) => `M${outline(run, (sample) => sample.depth)}`).join(""));
  place("area", runs.map((run) => area(run, (sample) => sample.depth)).join(""));
  place(
    "outside",
    kitchen.policy === "reject"
      ? ""
      : runs.map((run) => area(run, (sample) => sample.depth + sample.outside)).join(""),
  );
  place("capacity", `M${MARGIN.left} ${y(kitchen.capacity)}H${width}`);
  place(
    "grid",
    [15, 30, 45].map((s) => `M${x(now - s * 1000)} ${MARGIN.top}V${bottom}`).join("") +
      `M${MARGIN.left} ${bottom}H${width}`,
  );
  place(
    "marks",
    samples
      .filter((sample) => sample.rejected > 0)
      .map((sample) => `M${x(sample.at)} 2V12`)
      .join(""),
  );
  drawLabels(width, bottom, Number(y(kitchen.capacity)));
  const told = `now ${tick.depth}, at most ${highest}, of ${kitchen.capacity}`;
  graph.setAttribute("aria-label", `Depth of the channel over the last 60 seconds: ${told}`);
}

function drawLabels(width, bottom, capacityAt) {
  const move = (id, x, y) => {
    byId(id).setAttribute("x", x);
    byId(id).setAttribute("y", y);
  };

  move("from-label", MARGIN.left, bottom + 17);
  move("to-label", width, bottom + 17);
  move("zero-label", MARGIN.left - 8, bottom + 4);
  move("capacity-label", MARGIN.left - 8, capacityAt + 4);
  write(byId("capacity-label"), kitchen.capacity > 0 ? brief.format(kitchen.capacity) : "");
}

/* ---- The bakers, where they are elsewhere ---------------------------------------------------- */

const SILENT_MS = 2500; /* they tell once a second that they are there */

/* What the way to them and back is like, in words, and whether it is whole. */
function streamsOf({ orders, results }) {
  if (orders === "away" || results === "away")
    return ["lost", "The way to the bakers is interrupted. Orders are kept until it is mended."];
  if (orders === "full") return ["full", "The stream of orders is full: more wait here."];
  return ["whole", "One stream of orders for all pizzerias, and one of results for this one."];
}

function makeBaker(name) {
  const item = element("li", "baker", "");
  item.dataset.name = name;
  for (const part of ["name", "baked", "threads", "heard"])
    item.append(element("span", part, ""), " ");
  write(item.querySelector(".name"), name);
  return item;
}

/* What somebody who is silent does is not known. */
function drawBaker(item, { threads, busy, baked, silent_ms: silent }) {
  const isSilent = silent > SILENT_MS;
  const all = several(threads, "thread", "threads");
  write(item.querySelector(".baked"), `${whole(baked)} baked`);
  write(item.querySelector(".threads"), isSilent ? all : `${busy} of ${all} at work`);
  write(item.querySelector(".heard"), isSilent ? `silent for ${spell(silent)}` : "here");
  item.classList.toggle("silent", isSilent);
}

function drawBakers() {
  const { elsewhere } = tick;
  byId("elsewhere").hidden = !elsewhere;
  document.body.classList.toggle("far", Boolean(elsewhere));
  if (!elsewhere) return;
  const [state, words] = streamsOf(elsewhere);
  byId("streams").dataset.state = state;
  write(byId("streams"), words);
  const list = byId("bakers");
  const present = new Map([...list.children].map((item) => [item.dataset.name, item]));
  const items = elsewhere.bakers.map((baker) => {
    const item = present.get(baker.name) ?? makeBaker(baker.name);
    drawBaker(item, baker);
    return item;
  });
  for (const item of present.values()) if (!items.includes(item)) item.remove();
  items.forEach((item, i) => {
    if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
  });
  byId("nobody").hidden = items.length > 0;
}

/* ---- The board ------------------------------------------------------------------------------- */

/* In quiet times a pizza can be baked between two beats: its ticket then goes through the
 * columns one beat at a time, for the eye to follow. When more tickets move than there are
 * bakers, each goes where it belongs at once. */
function moveTickets() {
  const moving = [...tickets.values()].filter((ticket) => ticket.ahead.length > 0);
  const isQuiet = moving.length <= Math.max(1, kitchen.bakers);
  if (!isQuiet) rushedAt = performance.now();
  for (const ticket of moving) {
    const steps = isQuiet ? 1 : ticket.ahead.length;
    ticket.state = ticket.ahead[steps - 1];
    ticket.ahead.splice(0, steps);
    ticket.moved = ++moves;
  }
}

function sortTickets() {
  const columns = { waiting: [], baking: [], ready: [], lost: [] };
  for (const ticket of tickets.values()) columns[COLUMN_OF[ticket.state]].push(ticket);
  for (const column of ["waiting", "baking"])
    columns[column].sort((a, b) => a.order.number - b.order.number);
  for (const column of ["ready", "lost"]) columns[column].sort((a, b) => b.moved - a.moved);
  return columns;
}

/* Lets go of what nobody will see again: finished tickets that are not among the shown, and
 * tickets whose next event was missed. */
function forget(columns) {
  const settled = performance.now() - SETTLED_MS;
  for (const column of ["waiting", "baking"]) {
    const excess = columns[column].filter(
      (ticket) => ticket.changedAt < settled && ticket.ahead.length === 0,
    );
    excess.splice(Math.max(0, columns[column].length - tick[column]));
    for (const ticket of excess) tickets.delete(ticket.key);
    columns[column] = columns[column].filter((ticket) => tickets.has(ticket.key));
  }
  for (const column of ["ready", "lost"]) {
    for (const ticket of columns[column].slice(SHOWN)) tickets.delete(ticket.key);
  }
}

function isRush() {
  return performance.now() - rushedAt < CALM_MS;
}

function timesOf(ticket) {
  const { waited_ms: waited, baked_ms: baked } = ticket.order;
  switch (ticket.state) {
    case "waiting":
      return "";
    case "baking":
      return spell(waited);
    case "ready":
      return `${spell(waited)} + ${spell(baked)}`;
    default:
      return WHY_LOST[ticket.state];
  }
}

function makeTicket(ticket) {
  const { number, pizza, count, customer } = ticket.order;
  const item = element("li", isRush() ? "ticket" : "ticket new", "");
  item.dataset.key = ticket.key;
  item.dataset.state = ticket.state;
  item.append(
    element("span", "number", number > 0 ? `#${number}` : "–"),
    " ",
    element("span", "what", `${count} × ${pizza}`),
    " ",
  );
  item.append(
    element("span", "who", customer ? `for ${customer}` : ""),
    " ",
    element("span", "times", timesOf(ticket)),
  );
  return item;
}

/* Puts the wanted tickets into the list and leaves those alone that are there already, so that
 * only what is new moves. */
function fillList(list, wanted) {
  const present = new Map(
    [...list.children].map((item) => [`${item.dataset.key} ${item.dataset.state}`, item]),
  );
  const items = wanted.map(
    (ticket) => present.get(`${ticket.key} ${ticket.state}`) ?? makeTicket(ticket),
  );
  for (const item of present.values()) if (!items.includes(item)) item.remove();
  items.forEach((item, i) => {
    if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
    item.classList.toggle("yours", mine.includes(item.dataset.key));
  });
}

const columnNamed = (name) => document.querySelector(`[data-column="${name}"]`);

function drawColumn(name, column) {
  const section = columnNamed(name);
  fillList(section.querySelector(".tickets"), column.slice(0, SHOWN));
  section.querySelector(".empty").hidden = column.length > 0;
}

const isDrawnEmpty = (name) => !columnNamed(name).querySelector(".empty").hidden;

/* What a column without tickets says never contradicts its count. */
function drawCount(name, count) {
  const empty = columnNamed(name).querySelector(".empty");
  write(byId(`${name}-count`), whole(count));
  write(empty, count > 0 ? empty.dataset.some : empty.dataset.none);
}

function drawBoard() {
  const { lost, rejected, gave_up: gaveUp, gone } = tick;
  const counts = {
    waiting: tick.waiting,
    baking: tick.baking,
    ready: tick.ready,
    lost: lost + rejected + gaveUp,
  };
  for (const [name, count] of Object.entries(counts)) drawCount(name, count);
  const losses = [
    [lost, "spoiled"],
    [rejected, "turned away"],
    [gaveUp, "gave up"],
    [gone, "gone"],
  ];
  const told = losses.filter(([n]) => n > 0).map(([n, what]) => `${whole(n)} ${what}`);
  write(byId("losses"), told.length > 0 ? told.join(", ") : "Latest first");
  drawTickets();
}

function drawTickets() {
  moveTickets();
  const columns = sortTickets();
  forget(columns);
  const isFilled = ([name, column]) => isDrawnEmpty(name) && column.length > 0;
  const all = Object.entries(columns);
  if (isRush() && performance.now() - sampledAt < SAMPLE_MS && !all.some(isFilled)) return;
  sampledAt = performance.now();
  for (const [name, column] of all) drawColumn(name, column);
}

/* ---- The form -------------------------------------------------------------------------------- */

let inFlight = 0;
let spokenLater = 0;

/* Says it to those who hear the page. A later word takes the place of an earlier one that was
 * not said yet. */
function speak(text, delayMs = 100) {
  clearTimeout(spokenLater);
  write(byId("spoken"), "");
  spokenLater = setTimeout(() => write(byId("spoken"), text), delayMs);
}

function tell(item, tone, text) {
  item.dataset.tone = tone;
  write(item, text);
}

function addNote(tone, text) {
  const item = document.createElement("li");
  const list = byId("mine");
  tell(item, tone, text);
  list.prepend(item);
  while (list.children.length > MINE) list.lastElementChild.remove();
  return item;
}

/* Answers how an order ended, as [tone, words]. */
function outcomeOf(status, answer, retryAfter) {
  if (status === 200 && answer.outcome === "ready") {
    const times = `it waited ${spell(answer.waited_ms)} and baked ${spell(answer.baked_ms)}`;
    return ["good", `Order #${answer.number} is ready: ${times}.`];
  }
  if (status === 200)
    return [
      "bad",
      `Order #${answer.number} is lost${answer.reason ? `: ${answer.reason}` : ""}. We are sorry.`,
    ];
  if (status !== 503)
    return [
      "bad",
      `The order was not taken (${status}${answer.error ? `: ${answer.error}` : ""}).`,
    ];
  const again = /^\d+$/.test(retryAfter ?? "")
    ? ` Please try again in ${retryAfter} s.`
    : " Please try again.";
  if (answer.error === "full") return ["bad", `Turned away: the channel is full.${again}`];
  if (answer.error === "waited too long")
    return ["bad", `The order waited too long and was not baked.${again}`];
  return ["bad", "Turned away: the pizzeria is closing."];
}

async function post(order) {
  let response;
  try {
    response = await fetch("/orders", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(order),
    });
  } catch {
    return ["bad", "The pizzeria does not answer. The order may not have been taken."];
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) mine.push(`${answer.number}`);
  if (mine.length > SHOWN) mine.shift();
  return outcomeOf(response.status, answer, response.headers.get("Retry-After"));
}

function countInFlight(change) {
  inFlight += change;
  byId("send").setAttribute("aria-disabled", inFlight >= IN_FLIGHT);
}

async function sendOrder(event) {
  event.preventDefault();
  const fields = new FormData(event.target);
  const order = {
    pizza: fields.get("pizza"),
    count: Number(fields.get("count")),
    customer: fields.get("customer").trim(),
  };
  if (order.customer === "") delete order.customer;
  if (inFlight >= IN_FLIGHT) {
    speak(`${IN_FLIGHT} of your orders are still on their way.`);
    return;
  }
  const text = `${order.count} × ${order.pizza} ordered: waiting for the kitchen.`;
  const note = addNote("pending", text);
  countInFlight(1);
  speak(text, 1000);
  const [tone, words] = await post(order);
  countInFlight(-1);
  tell(note, tone, words);
  speak(words);
}

/* ---- The connection -------------------------------------------------------------------------- */

let source = null;
let failures = 0;
let heardAt = 0; /* when anything came of this connection, or it began */
let freshAt = null; /* when the last news came, of any connection */
let retry = 0; /* the timer of the next try */
let isClosing = false; /* the server said so */

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/* What is lost is said where it is always in sight, with the time of the board that is still
 * shown. */
function say(state, text) {
  const isLost = state === "lost";
  const status = byId("connection");
  status.dataset.state = state;
  write(status, text);
  document.body.classList.toggle("stale", isLost);
  const what = isClosing ? "Pizzeria closed" : "Connection lost";
  const since = freshAt === null ? "" : `: this is the board of ${clock.format(freshAt)}`;
  write(byId("lost"), `${what}${since}`);
  byId("lost").hidden = !isLost;
}

/* A browser connects again by itself after some failures and not after others: here it is done
 * for all alike. */
function reconnect() {
  if (source === null) return;
  const delay = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] * (0.5 + Math.random());
  disconnect();
  failures++;
  say("lost", isClosing ? "Pizzeria closed, trying again" : "Connection lost, trying again");
  retry = setTimeout(connect, delay);
}

function disconnect() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

function hear() {
  heardAt = performance.now();
  freshAt = Date.now();
}

function connect() {
  disconnect();
  source = new EventSource("/events");
  heardAt = performance.now();
  source.addEventListener("error", reconnect);
  source.addEventListener("hello", (event) => {
    failures = 0;
    isClosing = false;
    hear();
    onHello(JSON.parse(event.data));
    say("live", "Live");
  });
  source.addEventListener("order", (event) => onOrder(JSON.parse(event.data)));
  source.addEventListener("tick", (event) => {
    hear();
    onTick(JSON.parse(event.data));
  });
  source.addEventListener("bye", () => {
    isClosing = true;
    reconnect();
  });
}

function watch() {
  if (source !== null && performance.now() - heardAt > SILENCE_MS) reconnect();
}

function onVisibility() {
  if (document.hidden) {
    disconnect();
    say("connecting", "Not watching");
  } else {
    failures = 0;
    say("connecting", "Connecting to the kitchen");
    connect();
  }
}

byId("order").addEventListener("submit", sendOrder);
byId("pause").addEventListener("click", pause);
document.addEventListener("visibilitychange", onVisibility);
/* the network is there again: no need to wait for the next try */
addEventListener("online", () => document.hidden || connect());
new ResizeObserver(redraw).observe(byId("graph"));
setInterval(watch, 1000);
if (!document.hidden) connect();

// The browser and its pages. Every page has a browser context of its own: no shared storage, cookies or cache, so two
// phones are as good as two computers.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import puppeteer from "puppeteer-core";
import { watchSockets } from "./sockets.js";

const NAMES = ["chromium-headless-shell", "chromium", "google-chrome"];

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--mute-audio",
  // A microphone that beeps, and nobody asked for leave to use it.
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  // Both phones are on this machine: loopback candidates, and addresses instead of mDNS names.
  "--allow-loopback-in-peer-connection",
  "--disable-features=WebRtcHideLocalIpsWithMdns",
  // A page that nobody looks at must not run slower.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  // No traffic but the page's own.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export function findBrowser(path = process.env.PATH ?? "") {
  for (const name of NAMES) {
    for (const directory of path.split(delimiter)) {
      const file = join(directory, name);
      if (directory && existsSync(file)) return file;
    }
  }
  throw new Error(`no browser found on PATH; looked for ${NAMES.join(", ")}`);
}

export class Browser {
  #browser = null;
  #launching = null;
  #giveUp = null;
  #pages = new Map();
  #say;

  constructor(say) {
    this.#say = say;
  }

  // command: { executable?, home?, profile?, flags?, limit? }. `home` holds .pki/nssdb with the CA to trust.
  async launch({ executable, home, profile, flags = [], limit = 60000 }) {
    if (this.#browser || this.#launching) throw new Error("the browser has been launched already");
    const file = executable ?? findBrowser();
    this.#giveUp = new AbortController();
    this.#launching = puppeteer.launch({
      executablePath: file,
      headless: /headless-shell/.test(file) ? "shell" : true,
      pipe: true,
      args: [...FLAGS, ...flags],
      env: home ? { ...process.env, HOME: home } : process.env,
      userDataDir: profile,
      signal: this.#giveUp.signal,
      timeout: limit,
      protocolTimeout: limit,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    try {
      this.#browser = await this.#launching;
    } finally {
      this.#launching = null;
    }
    this.#browser.on("disconnected", () => this.#say({ event: "gone" }));
    return { executable: file, version: await this.#browser.version() };
  }

  #page(name) {
    const entry = this.#pages.get(name);
    if (!entry)
      throw new Error(`no page "${name}"; open: ${[...this.#pages.keys()].join(", ") || "none"}`);
    return entry;
  }

  async open(name, url) {
    if (!this.#browser) throw new Error("launch the browser first");
    if (this.#pages.has(name)) throw new Error(`page "${name}" is open already`);
    const context = await this.#browser.createBrowserContext();
    this.#pages.set(name, { context, page: null });
    try {
      const page = await context.newPage();
      this.#pages.set(name, { context, page });
      page.on("pageerror", (e) => this.#say({ event: "page-error", page: name, text: e.message }));
      page.on("console", (m) =>
        this.#say({ event: "console", page: name, level: m.type(), text: m.text() }),
      );
      await watchSockets(await page.createCDPSession(), name, this.#say);
      const response = await page.goto(url);
      if (!response?.ok()) throw new Error(`${url} answered ${response?.status() ?? "nothing"}`);
      await this.#ready(page);
      return { status: response.status(), security: response.securityDetails()?.issuer() ?? null };
    } catch (error) {
      await this.close(name);
      throw error;
    }
  }

  async #ready(page) {
    await page.waitForFunction(() => Boolean(window.viaduct));
  }

  // Throws an error with `failure` set when the phone says that it did not come about, any other when it is misused.
  async call(name, method, args) {
    const { value, failure } = await this.#page(name).page.evaluate(
      async (method, args) => {
        if (typeof window.viaduct[method] !== "function")
          throw new Error(`the phone has no method "${method}"`);
        try {
          return { value: await window.viaduct[method](...args) };
        } catch (error) {
          if (error.name === "PhoneFailure") return { failure: error.message };
          throw error;
        }
      },
      method,
      args,
    );
    if (failure !== undefined) throw Object.assign(new Error(failure), { failure: true });
    return value;
  }

  async reload(name) {
    const { page } = this.#page(name);
    await page.reload();
    await this.#ready(page);
  }

  async shot(name, path) {
    await this.#page(name).page.screenshot({ path, fullPage: true });
  }

  async close(name) {
    const { context } = this.#page(name);
    this.#pages.delete(name);
    await context.close();
  }

  // A browser that is just being launched is ended as well: it must not be left behind.
  async quit() {
    if (this.#launching) {
      this.#giveUp.abort();
      await this.#launching.catch(() => {});
    }
    const browser = this.#browser;
    this.#browser = null;
    this.#pages.clear();
    await browser?.close();
  }
}

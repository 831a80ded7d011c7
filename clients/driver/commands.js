// The commands of the driver: name -> function(browser, command) giving what goes into the answer's "ok".

function text(command, name) {
  const value = command[name];
  if (typeof value !== "string" || value === "")
    throw new Error(`"${command.do}" needs "${name}" as a text`);
  return value;
}

export const commands = {
  launch: (browser, command) => browser.launch(command),
  open: (browser, command) => browser.open(text(command, "page"), text(command, "url")),
  call: (browser, command) =>
    browser.call(text(command, "page"), text(command, "method"), command.args ?? []),
  reload: (browser, command) => browser.reload(text(command, "page")),
  shot: (browser, command) => browser.shot(text(command, "page"), text(command, "path")),
  close: (browser, command) => browser.close(text(command, "page")),
  quit: (browser) => browser.quit(),
};

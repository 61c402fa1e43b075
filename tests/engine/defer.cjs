// Preloaded into the official runner in tests: what the SDK loads at its start and a plain JavaScript program never uses (typescript, arborist) is loaded on first use.
const Module = require("node:module");
const load = Module._load;
Module._load = function (request, parent, isMain) {
  if (!/^(typescript|@npmcli\/arborist)$/.test(request)) return load.call(this, request, parent, isMain);
  let real;
  const get = () => (real ??= load.call(Module, request, parent, false));
  return new Proxy(function () {}, { get: (_t, k) => (k === "__esModule" ? true : get()[k]), has: (_t, k) => k in get(), construct: (_t, args) => new (get())(...args) });
};

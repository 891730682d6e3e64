// SPDX-License-Identifier: MIT
// validate.mjs TOOLS FILE...: judges rendered manifests as an API server would, without one. Prints a line for each fault,
// "FILE: OBJECT: FAULT", then "N objects".
//
// There are two judges, both generated from the Kubernetes API's own description. The client library's types tell which members an
// object may have and of which JSON type (what fieldValidation=Strict refuses); the models' validators tell what is required, and
// know enumerations and formats, also of cert-manager's and the Gateway API's objects.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [tools, ...files] = process.argv.slice(2);
const modules = pathToFileURL(resolve(tools, "node_modules") + "/");
const load = async (path) => import(new URL(path, modules));
const { parseAllDocuments } = await load("yaml/dist/index.js");
const types = await load("@kubernetes/client-node/dist/gen/models/all.js");
const CUSTOM = { "gateway.networking.k8s.io": "@kubernetes-models/gateway-api", "cert-manager.io": "@kubernetes-models/cert-manager",
                 "monitoring.coreos.com": "@kubernetes-models/prometheus-operator" };

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// Compares a value with a type as the client library writes it: "string", "Array<V1Pod>", "{ [key: string]: string; }", "V1Pod".
function compare(value, type, path, faults) {
  const want = (name, isSo) => isSo || (faults.push(`${path}: want ${name}, got ${JSON.stringify(value)}`), false);
  const item = /^Array<(.*)>$/.exec(type)?.[1];
  const member = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (value === null || value === undefined) return;
  if (item) {
    if (want("an array", Array.isArray(value))) value.forEach((entry, i) => compare(entry, item, `${path}[${i}]`, faults));
  } else if (member) {
    if (want("an object", isObject(value))) Object.keys(value).forEach((key) => compare(value[key], member, `${path}.${key}`, faults));
  } else if (["string", "number", "boolean"].includes(type)) {
    want(`a ${type}`, typeof value === type);
  } else if (types[type]?.getAttributeTypeMap) {
    if (!want("an object", isObject(value))) return;
    const known = new Map(types[type].getAttributeTypeMap().map((attribute) => [attribute.baseName, attribute.type]));
    for (const key in value) {
      if (known.has(key)) compare(value[key], known.get(key), `${path}.${key}`, faults);
      else faults.push(`${path}: unknown member "${key}"`);
    }
  }
}

async function judge(object) {
  const [group, version] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : ["", object.apiVersion];
  const faults = [];
  if (!CUSTOM[group]) {
    const type = version[0].toUpperCase() + version.slice(1) + object.kind;
    if (!types[type]?.getAttributeTypeMap) return ["Kubernetes has no such kind"];
    compare(object, type, object.kind, faults);
  }
  const place = CUSTOM[group] ? `${CUSTOM[group]}/${group}` : `kubernetes-models/${group}`;
  const models = await load(`${place}/${version}/index.js`.replace("//", "/")).catch(() => ({}));
  const Model = models[object.kind] ?? models.default?.[object.kind];
  if (!Model) return [...faults, "there is no model to judge it by"];
  try {
    new Model(structuredClone(object)).validate();
  } catch (error) {
    faults.push(...error.message.split("\n"));
  }
  return faults;
}

let n = 0;
for (const file of files) {
  for (const document of parseAllDocuments(readFileSync(file, "utf8"), { uniqueKeys: true, version: "1.1" })) {
    const object = document.errors.length ? undefined : document.toJS();
    if (object === null) continue;
    n++;
    const name = object ? `${object.kind} ${object.metadata?.name}` : "document";
    const faults = object ? await judge(object) : document.errors.map((error) => error.message);
    for (const fault of faults) console.log(`${file}: ${name}: ${fault}`);
  }
}
console.log(`${n} objects`);

// @aws-appsync/utils and @aws-appsync/utils/dynamodb, as APPSYNC_JS resolvers import them.
// docs: AppSync Developer Guide, Built-in utilities; Built-in modules; Time, DynamoDB, HTTP and transformation
// helpers; Extensions (read 2026-11). What is not here is refused when a resolver that uses it is made.
(() => {
  "use strict";
  const host = { now: 0, seed: "", seeds: 0, call: null };
  const DateOf = Date;
  const Pattern = RegExp;
  class Failure {
    constructor(message, type, data, info) {
      this.error = { message: text(message), type: type == null ? null : String(type), data: data ?? null, info: info ?? null };
    }
  }
  class Early {
    constructor(value) {
      this.value = value;
    }
  }
  const text = (value) =>
    typeof value === "string" ? value : value === undefined ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const wrong = (message) => {
    throw new Failure(message, "Code");
  };
  const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  // -- values of chance, from the seed that the host gives each run
  const words = () => {
    const out = [];
    let state = 2166136261 ^ host.seeds++;
    for (let at = 0; at < 4; at++) {
      const part = host.seed.substring(at * 8, at * 8 + 8);
      let mixed = parseInt(part, 16) ^ Math.imul(state, 16777619);
      mixed ^= mixed >>> 16;
      mixed = Math.imul(mixed, 2246822507);
      mixed ^= mixed >>> 13;
      state = mixed;
      out.push((mixed ^ parseInt(part, 16) ^ Math.imul(host.seeds, 2654435761)) >>> 0);
    }
    return out;
  };
  const hex = () => words().map((word) => word.toString(16).padStart(8, "0")).join("");
  const autoId = () => {
    const digits = hex();
    const variant = "89ab"[parseInt(digits[16], 16) & 3];
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
  };
  const inBase = (number, digits, length) => {
    let out = "";
    const base = BigInt(digits.length);
    for (let at = 0; at < length; at++) {
      out = digits[Number(number % base)] + out;
      number /= base;
    }
    return out;
  };
  const autoUlid = () =>
    inBase((BigInt(Math.floor(host.now)) << 80n) | BigInt("0x" + hex().slice(0, 20)), "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26);
  const autoKsuid = () =>
    inBase(
      (BigInt(Math.floor(host.now / 1000) - 1400000000) << 128n) | BigInt("0x" + hex()),
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
      27,
    );

  // -- text
  const utf8 = (value) => {
    const escaped = encodeURIComponent(value);
    let out = "";
    for (let at = 0; at < escaped.length; at++) {
      if (escaped[at] === "%") {
        out += String.fromCharCode(parseInt(escaped.substr(at + 1, 2), 16));
        at += 2;
      } else out += escaped[at];
    }
    return out;
  };
  const ofUtf8 = (bytes) => {
    let out = "";
    for (let at = 0; at < bytes.length; at++) out += "%" + bytes.charCodeAt(at).toString(16).padStart(2, "0");
    try {
      return decodeURIComponent(out);
    } catch (error) {
      return bytes;
    }
  };
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const encodeBase64 = (bytes) => {
    let out = "";
    for (let at = 0; at < bytes.length; at += 3) {
      const [a, b, c] = [bytes.charCodeAt(at), bytes.charCodeAt(at + 1), bytes.charCodeAt(at + 2)];
      const three = (a << 16) | ((b || 0) << 8) | (c || 0);
      for (let digit = 0; digit < 4; digit++)
        out += at + digit > bytes.length ? "=" : ALPHABET[(three >> (18 - 6 * digit)) & 63];
    }
    return out;
  };
  const decodeBase64 = (value) => {
    const digits = String(value).replace(/[\s=]/g, "").replace(/-/g, "+").replace(/_/g, "/");
    let out = "", bits = 0, held = 0;
    for (const digit of digits) {
      const number = ALPHABET.indexOf(digit);
      if (number < 0) wrong("util.base64Decode was given no base64");
      held = ((held << 6) | number) & 0xffff;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        out += String.fromCharCode((held >> bits) & 255);
      }
    }
    return out;
  };
  const URL_KEPT = { "%20": "+", "!": "%21", "'": "%27", "(": "%28", ")": "%29", "~": "%7E" };
  const urlEncode = (value) => encodeURIComponent(value).replace(/%20|[!'()~]/g, (part) => URL_KEPT[part]);
  const urlDecode = (value) => decodeURIComponent(String(value).replace(/\+/g, "%20"));
  const AUTH = {
    API_KEY: "API Key Authorization",
    AWS_IAM: "IAM Authorization",
    AMAZON_COGNITO_USER_POOLS: "User Pool Authorization",
    AWS_LAMBDA: "Lambda Authorization",
  };

  // -- time: patterns as Java has them; zones are UTC and offsets
  const pad = (value, size) => String(value).padStart(size, "0");
  const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
  const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
  const offsetOf = (zone) => {
    if (zone == null || zone === "UTC" || zone === "Z" || zone === "GMT") return 0;
    const found = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
    if (!found) wrong(`The embedded AppSync knows UTC and offsets in JavaScript, not the time zone '${zone}'`);
    return (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3] ?? 0));
  };
  const offsetText = (minutes, colon, zulu) => {
    if (zulu && minutes === 0) return "Z";
    const size = Math.abs(minutes);
    return (minutes < 0 ? "-" : "+") + pad(Math.floor(size / 60), 2) + colon + pad(size % 60, 2);
  };
  const FIELDS = {
    yyyy: [(t) => pad(t.getUTCFullYear(), 4), "\\d{4}", "year"],
    uuuu: [(t) => pad(t.getUTCFullYear(), 4), "\\d{4}", "year"],
    yy: [(t) => pad(t.getUTCFullYear() % 100, 2), "\\d{2}", "short"],
    MM: [(t) => pad(t.getUTCMonth() + 1, 2), "\\d{2}", "month"],
    M: [(t) => String(t.getUTCMonth() + 1), "\\d{1,2}", "month"],
    MMM: [(t) => MONTHS[t.getUTCMonth()].slice(0, 3), "[A-Za-z]{3}", "name"],
    MMMM: [(t) => MONTHS[t.getUTCMonth()], "[A-Za-z]+", "name"],
    dd: [(t) => pad(t.getUTCDate(), 2), "\\d{2}", "day"],
    d: [(t) => String(t.getUTCDate()), "\\d{1,2}", "day"],
    EEE: [(t) => DAYS[t.getUTCDay()].slice(0, 3), "[A-Za-z]{3}", ""],
    E: [(t) => DAYS[t.getUTCDay()].slice(0, 3), "[A-Za-z]{3}", ""],
    EEEE: [(t) => DAYS[t.getUTCDay()], "[A-Za-z]+", ""],
    HH: [(t) => pad(t.getUTCHours(), 2), "\\d{2}", "hour"],
    H: [(t) => String(t.getUTCHours()), "\\d{1,2}", "hour"],
    hh: [(t) => pad(((t.getUTCHours() + 11) % 12) + 1, 2), "\\d{2}", "half"],
    h: [(t) => String(((t.getUTCHours() + 11) % 12) + 1), "\\d{1,2}", "half"],
    a: [(t) => (t.getUTCHours() < 12 ? "AM" : "PM"), "[AaPp][Mm]", "noon"],
    mm: [(t) => pad(t.getUTCMinutes(), 2), "\\d{2}", "minute"],
    m: [(t) => String(t.getUTCMinutes()), "\\d{1,2}", "minute"],
    ss: [(t) => pad(t.getUTCSeconds(), 2), "\\d{2}", "second"],
    s: [(t) => String(t.getUTCSeconds()), "\\d{1,2}", "second"],
    SSS: [(t) => pad(t.getUTCMilliseconds(), 3), "\\d{3}", "milli"],
    Z: [(t, o) => offsetText(o, "", false), "Z|[+-]\\d\\d:?(?:\\d\\d)?", "offset"],
    XX: [(t, o) => offsetText(o, "", true), "Z|[+-]\\d\\d:?(?:\\d\\d)?", "offset"],
    XXX: [(t, o) => offsetText(o, ":", true), "Z|[+-]\\d\\d:?(?:\\d\\d)?", "offset"],
  };
  const parts = (pattern) => {
    const out = [];
    const token = /'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/gy;
    let found;
    while (token.lastIndex < pattern.length) {
      const at = token.lastIndex;
      found = token.exec(pattern);
      if (!found || pattern.length > 200) wrong(`The pattern '${pattern.slice(0, 60)}' is not valid`);
      if (found[2]) {
        const field = FIELDS[found[0]];
        if (!field) wrong(`The pattern letters '${found[0]}' are not supported`);
        out.push(field);
      } else out.push(found[1] === undefined ? found[0] : found[1].replace(/''/g, "'") || "'");
      if (token.lastIndex === at) break;
    }
    return out;
  };
  const formatted = (millis, pattern, zone) => {
    const offset = offsetOf(zone);
    const moment = new DateOf(millis + offset * 60000);
    return parts(String(pattern)).map((part) => (typeof part === "string" ? part : part[0](moment, offset))).join("");
  };
  const parsedTime = (value, pattern, zone) => {
    const all = parts(String(pattern));
    const source = all.map((part) => (typeof part === "string" ? part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") : `(${part[1]})`)).join("");
    const found = new Pattern(`^${source}$`).exec(value);
    if (!found) wrong(`Text '${String(value).slice(0, 60)}' could not be parsed`);
    const v = {};
    all.filter((part) => typeof part !== "string").forEach((part, at) => (v[part[2]] = found[at + 1]));
    const month = v.name ? MONTHS.findIndex((name) => name.slice(0, 3).toLowerCase() === v.name.slice(0, 3).toLowerCase()) : Number(v.month ?? 1) - 1;
    const year = v.year ? Number(v.year) : v.short ? 2000 + Number(v.short) : 1970;
    const hour = v.half ? (Number(v.half) % 12) + ((v.noon ?? "am").toLowerCase() === "pm" ? 12 : 0) : Number(v.hour ?? 0);
    const base = DateOf.UTC(year, month, Number(v.day ?? 1), hour, Number(v.minute ?? 0), Number(v.second ?? 0), Number(v.milli ?? 0));
    return base - offsetOf(v.offset ?? zone) * 60000;
  };
  const iso8601 = (millis) => new DateOf(millis).toISOString();
  const time = {
    nowISO8601: () => iso8601(host.now),
    nowEpochSeconds: () => Math.floor(host.now / 1000),
    nowEpochMilliSeconds: () => Math.floor(host.now),
    nowFormatted: (pattern, zone) => formatted(host.now, pattern, zone),
    parseFormattedToEpochMilliSeconds: parsedTime,
    parseISO8601ToEpochMilliSeconds: (value) => {
      const millis = /(?:Z|[+-]\d\d:?\d\d)$/.test(value) ? DateOf.parse(value) : NaN;
      return Number.isNaN(millis) ? wrong(`Text '${String(value).slice(0, 60)}' could not be parsed`) : millis;
    },
    epochMilliSecondsToSeconds: (millis) => Math.floor(millis / 1000),
    epochMilliSecondsToISO8601: iso8601,
    epochMilliSecondsToFormatted: formatted,
  };

  // -- DynamoDB's values
  const toDynamoDB = (value) => {
    if (value === null || value === undefined) return { NULL: true };
    if (typeof value === "boolean") return { BOOL: value };
    if (typeof value === "string") return { S: value };
    if (typeof value === "number") return { N: String(value) };
    if (Array.isArray(value)) return { L: value.map(toDynamoDB) };
    return { M: toMapValues(value) };
  };
  const toMapValues = (map) => {
    const out = {};
    for (const name of Object.keys(map ?? {})) if (map[name] !== undefined) out[name] = toDynamoDB(map[name]);
    return out;
  };
  const s3Object = (key, bucket, region, version) => ({
    S: JSON.stringify({ s3: version === undefined ? { key, bucket, region } : { key, bucket, region, version } }),
  });
  const dynamodb = {
    toDynamoDB,
    toString: (value) => (value == null ? { NULL: true } : { S: text(value) }),
    toStringSet: (values) => ({ SS: values.map(text) }),
    toNumber: (value) => (value == null ? { NULL: true } : { N: String(value) }),
    toNumberSet: (values) => ({ NS: values.map(String) }),
    toBinary: (value) => (value == null ? { NULL: true } : { B: text(value) }),
    toBinarySet: (values) => ({ BS: values.map(text) }),
    toBoolean: (value) => (value == null ? { NULL: true } : { BOOL: value === true }),
    toNull: () => ({ NULL: true }),
    toList: toDynamoDB,
    toMap: toDynamoDB,
    toMapValues,
    toS3Object: s3Object,
    fromS3ObjectJson: (value) => JSON.parse(value),
  };

  // -- filters and conditions
  const COMPARED = { eq: "=", ne: "<>", lt: "<", le: "<=", gt: ">", ge: ">=" };
  const joined = (operator, all) => (all.length === 1 ? all[0] : all.length ? `(${all.join(` ${operator} `)})` : "");
  class Expression {
    constructor() {
      this.names = {};
      this.values = {};
      this.left = 1000;
    }
    name(field) {
      const placeholder = "#" + field.replace(/[^A-Za-z0-9]/g, "_");
      this.names[placeholder] = field;
      return placeholder;
    }
    value(field, operator, operand) {
      const base = `:${field.replace(/[^A-Za-z0-9]/g, "_")}_${operator}`;
      let placeholder = base;
      for (let count = 1; placeholder in this.values; count++) placeholder = `${base}_${count}`;
      this.values[placeholder] = toDynamoDB(operand);
      return placeholder;
    }
    of(filter, depth = 0) {
      if (!isMap(filter)) wrong("A filter must be an object");
      if (depth > 20) wrong("The filter is nested too deeply");
      const all = [];
      for (const name of Object.keys(filter)) if (filter[name] != null) all.push(...this.parts(name, filter[name], depth));
      return joined("AND", all);
    }
    parts(name, value, depth) {
      if (name === "and" || name === "or") {
        const inner = [].concat(value).map((item) => this.of(item, depth + 1)).filter(Boolean);
        return inner.length ? [joined(name.toUpperCase(), inner)] : [];
      }
      if (name === "not") {
        const part = this.of(value, depth + 1);
        return part ? [`NOT ${part.startsWith("(") ? part : `(${part})`}`] : [];
      }
      if (!isMap(value)) wrong(`The conditions of '${name}' must be an object`);
      return Object.keys(value).map((operator) => `(${this.condition(name, operator, value[operator])})`);
    }
    condition(field, operator, operand) {
      if (--this.left < 0) wrong("The filter has more than 1000 conditions");
      const name = this.name(field);
      const one = () => this.value(field, operator, operand);
      if (COMPARED[operator]) return `${name} ${COMPARED[operator]} ${one()}`;
      if (operator === "contains") return `contains(${name}, ${one()})`;
      if (operator === "notContains") return `NOT contains(${name}, ${one()})`;
      if (operator === "beginsWith") return `begins_with(${name}, ${one()})`;
      if (operator === "attributeExists") return operand ? `attribute_exists(${name})` : `attribute_not_exists(${name})`;
      if (operator === "attributeType") return `attribute_type(${name}, ${one()})`;
      if (operator === "size" && isMap(operand))
        return Object.keys(operand)
          .map((each) => this.compared(`size(${name})`, field, each, operand[each], "size"))
          .join(" AND ");
      return this.compared(name, field, operator, operand, operator);
    }
    compared(subject, field, operator, operand, label) {
      const value = (one) => this.value(field, label, one);
      if (COMPARED[operator]) return `${subject} ${COMPARED[operator]} ${value(operand)}`;
      if (operator === "between" && Array.isArray(operand) && operand.length === 2)
        return `${subject} BETWEEN ${value(operand[0])} AND ${value(operand[1])}`;
      if (operator === "in" && Array.isArray(operand) && operand.length)
        return `${subject} IN (${operand.map(value).join(", ")})`;
      return wrong(`'${operator}' is not a condition, or not of this value`);
    }
    done(expression) {
      return { expression, expressionNames: this.names, expressionValues: this.values };
    }
  }
  const expressionOf = (filter) => {
    const built = new Expression();
    return built.done(built.of(filter));
  };
  const LISTENED = ["eq", "ne", "le", "lt", "ge", "gt", "contains", "notContains", "beginsWith", "in", "notIn", "between", "containsAny"];
  const product = (left, right) => {
    if (left.length * right.length > 1000) wrong("The filter has too many alternatives");
    return left.flatMap((one) => right.map((other) => [...one, ...other]));
  };
  const groups = (filter, ignored, depth = 0) => {
    if (!isMap(filter) || depth > 20) wrong("A filter must be an object, and not nested too deeply");
    let out = [[]];
    for (const name of Object.keys(filter)) {
      const value = filter[name];
      if (value == null || ignored.includes(name)) continue;
      if (name === "or") out = product(out, [].concat(value).flatMap((item) => groups(item, ignored, depth + 1)));
      else if (name === "and") for (const item of [].concat(value)) out = product(out, groups(item, ignored, depth + 1));
      else {
        if (!isMap(value)) wrong(`The conditions of '${name}' must be an object`);
        const filters = Object.keys(value).map((operator) => {
          if (!LISTENED.includes(operator)) wrong(`'${operator}' is not an operator of subscription filters`);
          return { fieldName: name, operator, value: value[operator] };
        });
        out = product(out, [filters]);
      }
    }
    return out;
  };
  const transform = {
    toDynamoDBFilterExpression: (filter) => JSON.stringify(expressionOf(filter)),
    toDynamoDBConditionExpression: (filter) => JSON.stringify(expressionOf(filter)),
    toSubscriptionFilter: (filter, ignored, added) => {
      let all = groups(filter ?? {}, ignored ?? []);
      if (added) all = product(all, groups(added, []));
      return { filterGroup: all.filter((group) => group.length).map((filters) => ({ filters })) };
    },
  };

  // -- util, runtime, extensions
  const note = (name, value) => host.call.effects.push([name, value]);
  const isEmpty = (value) => value == null || value === "";
  const isBlank = (value) => value == null || (typeof value === "string" && value.trim() === "");
  const util = {
    error: (message, type, data, info) => {
      throw new Failure(message, type, data, info);
    },
    appendError: (message, type, data, info) => {
      note("appendError", new Failure(message, type, data, info).error);
    },
    validate: (holds, message, type, data) => {
      if (holds !== true) throw new Failure(message, type ?? "CustomTemplateException", data);
    },
    unauthorized: () => {
      throw new Failure("", "Unauthorized");
    },
    autoId,
    autoUlid,
    autoKsuid,
    authType: () => AUTH[host.call.mode],
    urlEncode,
    urlDecode,
    base64Encode: (value) => encodeBase64(utf8(text(value))),
    base64Decode: (value) => ofUtf8(decodeBase64(value)),
    escapeJavaScript: (value) => JSON.stringify(String(value)).slice(1, -1).replace(/['\/]/g, "\\$&"),
    matches: (pattern, value) => typeof value === "string" && new Pattern(`^(?:${pattern})$`).test(value),
    toJson: (value) => JSON.stringify(value),
    parseJson: (value) => JSON.parse(value),
    isNull: (value) => value == null,
    isNullOrEmpty: isEmpty,
    isNullOrBlank: isBlank,
    defaultIfNull: (value, other) => (value == null ? other : value),
    defaultIfNullOrEmpty: (value, other) => (isEmpty(value) ? other : value),
    defaultIfNullOrBlank: (value, other) => (isBlank(value) ? other : value),
    isString: (value) => typeof value === "string",
    isNumber: (value) => typeof value === "number",
    isBoolean: (value) => typeof value === "boolean",
    isList: Array.isArray,
    isMap,
    typeOf: (value) =>
      value == null ? "Null" : Array.isArray(value) ? "List" : typeof value === "object" ? "Map" : typeof value === "string" ? "String" : typeof value === "number" ? "Number" : "Boolean",
    time,
    dynamodb,
    transform,
    str: { normalize: (value, form) => String(value).normalize(String(form).toUpperCase()) },
    math: {
      roundNum: Math.round,
      minVal: Math.min,
      maxVal: Math.max,
      randomDouble: () => words()[0] / 4294967296,
      randomWithinRange: (low, high) => low + Math.floor((words()[0] / 4294967296) * (high - low)),
    },
    http: {
      copyHeaders: (headers) => Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !HOP.includes(name.toLowerCase()))),
      addResponseHeader: (name, value) => note("header", [text(name), text(value)]),
      addResponseHeaders: (headers) => {
        for (const name of Object.keys(headers)) note("header", [name, text(headers[name])]);
      },
    },
  };
  const HOP = ["transfer-encoding", "connection", "host", "expect", "keep-alive", "upgrade", "te", "proxy-authenticate", "proxy-authorization", "content-length"];
  const runtime = {
    earlyReturn: (value) => {
      throw new Early(value);
    },
  };
  const extensions = {
    setSubscriptionFilter: (filter) => note("filter", filter),
    setSubscriptionInvalidationFilter: (filter) => note("invalidation_filter", filter),
    invalidateSubscriptions: (wanted) => note("invalidate", wanted),
  };

  // -- @aws-appsync/utils/dynamodb
  const set = (target, source, ...names) => {
    for (const name of names) if (source[name] !== undefined) target[name] = source[name];
    return target;
  };
  const projected = (fields) => {
    const names = {};
    const used = fields.map((field) =>
      field.split(".").map((part) => {
        names["#" + part.replace(/\[\d+\]/g, "")] = part.replace(/\[\d+\]/g, "");
        return "#" + part;
      }).join("."),
    );
    return { expression: used.join(", "), expressionNames: names };
  };
  const withFilter = (target, source) => {
    if (source.filter != null) target.filter = expressionOf(source.filter);
    if (source.projection != null) target.projection = projected(source.projection);
    return target;
  };
  const withCondition = (target, source) => {
    if (source.condition != null) {
      const condition = expressionOf(source.condition);
      if (!Object.keys(condition.expressionValues).length) delete condition.expressionValues;
      target.condition = condition;
    }
    return target;
  };
  class Change {
    constructor(kind, ...given) {
      this.kind = kind;
      this.given = given;
    }
  }
  const operations = {
    add: (value) => new Change("set", value),
    replace: (value) => new Change("set", value),
    remove: () => new Change("remove"),
    increment: (by = 1) => new Change("plus", by),
    decrement: (by = 1) => new Change("minus", by),
    append: (items) => new Change("append", items),
    prepend: (items) => new Change("prepend", items),
    updateListItem: (value, index) => new Change("item", value, index),
  };
  const updateExpression = (changes) => {
    const sets = [], removes = [], names = {}, values = {};
    let count = 0;
    for (const path of Object.keys(changes)) {
      const change = changes[path] instanceof Change ? changes[path] : new Change("set", changes[path]);
      if (change.kind === "set" && change.given[0] === undefined) continue;
      count++;
      const name = path.split(".").map((part, at) => {
        names[`#expName_${count}_${at}`] = part;
        return `#expName_${count}_${at}`;
      }).join(".");
      const value = `:expValue_${count}`;
      if (change.kind === "remove") removes.push(name);
      else {
        values[value] = toDynamoDB(change.given[0]);
        if (change.kind === "set") sets.push(`${name} = ${value}`);
        else if (change.kind === "item") sets.push(`${name}[${Number(change.given[1])}] = ${value}`);
        else if (change.kind === "append" || change.kind === "prepend") {
          values[":expEmpty"] = { L: [] };
          const old = `if_not_exists(${name}, :expEmpty)`;
          sets.push(`${name} = list_append(${change.kind === "append" ? `${old}, ${value}` : `${value}, ${old}`})`);
        } else {
          values[":expZero"] = { N: "0" };
          sets.push(`${name} = if_not_exists(${name}, :expZero) ${change.kind === "plus" ? "+" : "-"} ${value}`);
        }
      }
    }
    const expression = [sets.length ? `SET ${sets.join(", ")}` : "", removes.length ? `REMOVE ${removes.join(", ")}` : ""].filter(Boolean).join(" ");
    return set({ expression, expressionNames: names }, { expressionValues: Object.keys(values).length ? values : undefined }, "expressionValues");
  };
  const item = (value) => toMapValues(value);
  const keyed = (operation, given) => ({ operation, key: item(given.key) });
  const put = (given) => withCondition({ ...keyed("PutItem", given), attributeValues: item(given.item) }, given);
  const update = (given) => withCondition({ ...keyed("UpdateItem", given), update: updateExpression(given.update) }, given);
  const remove = (given) => withCondition(keyed("DeleteItem", given), given);
  const WRITES = { putItem: put, updateItem: update, deleteItem: remove, conditionCheck: (given) => withCondition(keyed("ConditionCheck", given), given) };
  const tables = (given, each) => Object.fromEntries(Object.entries(given).map(([name, value]) => [name, each(value)]));
  const ddb = {
    operations,
    get: (given) => {
      const out = set(keyed("GetItem", given), given, "consistentRead");
      return given.projection == null ? out : { ...out, projection: projected(given.projection) };
    },
    put,
    update,
    remove,
    query: (given) => {
      const keys = new Expression();
      const out = { operation: "Query", query: keys.done(keyExpression(keys, given.query)) };
      set(out, given, "index", "limit", "nextToken", "scanIndexForward", "consistentRead", "select");
      return withFilter(out, given);
    },
    scan: (given = {}) => withFilter(set({ operation: "Scan" }, given, "index", "limit", "nextToken", "consistentRead", "select", "totalSegments", "segment"), given),
    batchGet: (given) => ({
      operation: "BatchGetItem",
      tables: tables(given.tables, (table) => {
        const out = set({ keys: (Array.isArray(table) ? table : table.keys).map(item) }, table, "consistentRead");
        return table.projection == null ? out : { ...out, projection: projected(table.projection) };
      }),
    }),
    batchPut: (given) => ({ operation: "BatchPutItem", tables: tables(given.tables, (items) => items.map(item)) }),
    batchDelete: (given) => ({ operation: "BatchDeleteItem", tables: tables(given.tables, (keys) => keys.map(item)) }),
    transactGet: (given) => ({
      operation: "TransactGetItems",
      transactItems: given.items.map((one) => {
        const out = { table: one.table, key: item(one.key) };
        return one.projection == null ? out : { ...out, projection: projected(one.projection) };
      }),
    }),
    transactWrite: (given) => ({
      operation: "TransactWriteItems",
      transactItems: given.items.map((one) => {
        const kind = Object.keys(one).find((name) => WRITES[name]);
        if (!kind) wrong("An item of transactWrite must be a putItem, updateItem, deleteItem or conditionCheck");
        return { table: one[kind].table, ...WRITES[kind](one[kind]) };
      }),
    }),
  };
  const keyExpression = (built, query) => {
    const all = [];
    for (const field of Object.keys(query)) for (const operator of Object.keys(query[field])) all.push(built.condition(field, operator, query[field][operator]));
    return all.join(" AND ");
  };

  // -- what the host calls
  const format = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const logs = [];
  const log = (level) => (...given) => {
    if (logs.length < 100) logs.push(`${level}: ${given.map(format).join(" ")}`.slice(0, 1000));
  };
  globalThis.console = { log: log("INFO"), error: log("ERROR") };
  const run = (handler, given, now, seed, mode) => {
    const ctx = JSON.parse(given);
    ctx.arguments = ctx.args;
    host.now = now;
    host.seed = seed;
    host.seeds = 0;
    host.call = { effects: [], mode };
    logs.length = 0;
    const out = { stash: ctx.stash };
    try {
      out.value = handler(ctx);
    } catch (error) {
      if (error instanceof Early) {
        out.early = true;
        out.value = error.value;
      } else if (error instanceof Failure) out.error = error.error;
      else if (error instanceof Error && error.name !== "InternalError") out.error = { message: error.message, type: "Code", data: null, info: null };
      else throw error;
    }
    out.effects = host.call.effects;
    out.logs = logs;
    return JSON.stringify(out);
  };
  const modules = { "@aws-appsync/utils": { util, runtime, extensions }, "@aws-appsync/utils/dynamodb": ddb };
  Object.defineProperty(globalThis, "__modules", { value: modules });
  Object.defineProperty(globalThis, "__run", { value: run });
  // docs: what APPSYNC_JS does not have
  for (const name of [
    "Date", "Promise", "Proxy", "Reflect", "eval", "Function", "SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry",
    "queueMicrotask", "performance", "RegExp", "Symbol", "WeakMap", "WeakSet", "ArrayBuffer", "DataView", "Iterator", "DisposableStack",
    "AsyncDisposableStack", "DOMException", "btoa", "atob", "escape", "unescape", "BigInt64Array", "BigUint64Array", "Float16Array",
    "Float32Array", "Float64Array", "Int8Array", "Int16Array", "Int32Array", "Uint8Array", "Uint8ClampedArray", "Uint16Array", "Uint32Array",
  ]) delete globalThis[name];
})();

/* Everything that a person reads but what the records say (sentences.ts), in English and Korean. */
import { Model } from "./model";
import { ENGLISH_VALUES, KOREAN_PATTERNS, KOREAN_VALUES, SENTENCES } from "./sentences";
import { TraceRecord } from "./trace";

export type Language = "en" | "ko";

const WORDS = {
  play: ["Play", "재생"], pause: ["Pause", "일시정지"], back: ["Step back", "이전 단계"], forward: ["Step forward", "다음 단계"],
  start: ["To the start", "처음으로"], end: ["To the end", "끝으로"], speed: ["Speed", "속도"], step: ["Step by", "단계 단위"],
  unit_segment: ["segment", "세그먼트"], unit_line: ["protocol line", "프로토콜 행"], unit_queue: ["queue action", "큐 동작"], unit_message: ["message", "메시지"],
  axis: ["Time axis", "시간축"], axis_gaps: ["gaps shortened", "간격 압축"], axis_linear: ["linear", "선형"], axis_step: ["by step", "단계별"],
  level: ["Level", "수준"], level_mail: ["mail", "메일"], level_protocol: ["protocol", "프로토콜"], level_segment: ["segment", "세그먼트"],
  lecture: ["Lecture", "강의 모드"], theme: ["Dark", "어둡게"], language: ["한국어", "English"], print: ["Print", "인쇄"], help: ["Keys", "단축키"],
  map: ["Map", "지도"], ladder: ["Ladder", "사다리 그림"], events: ["Events", "사건 목록"], detail: ["Detail", "자세히"], queue: ["Queue", "메시지 큐"],
  states: ["States", "상태도"], mailboxes: ["Mailboxes", "메일박스"], charts: ["Charts", "그래프"], mails: ["Mails", "메일"], notes: ["Notes", "메모"], predict: ["Predict", "예측"],
  filter: ["Filter", "거르기"], follow_mail: ["Follow this mail", "이 메일 따라가기"], follow_connection: ["Follow this connection", "이 연결 따라가기"], follow: ["Follow", "따라가기"], follow_none: ["Show everything", "모두 보기"],
  time: ["time", "시각"], host: ["machine", "기기"], what: ["what happens", "내용"], mail: ["mail", "메일"], state: ["state", "상태"],
  attempts: ["tries", "시도"], next_attempt: ["next in", "다음 시도"], expires: ["given up in", "만료"], reason: ["reason", "이유"], recipient: ["recipient", "수신자"],
  waiting: ["waits", "대기"], trying: ["being tried", "시도 중"], empty_queue: ["The queues are empty.", "메시지 큐가 비어 있습니다."], empty_mailbox: ["No message is in a mailbox yet.", "메일박스에 아직 메시지가 없습니다."],
  why: ["Why?", "왜?"], next: ["What next?", "그다음은?"], fields: ["fields", "필드"], bytes: ["bytes", "바이트"], because: ["because of", "까닭"],
  no_next: ["Nothing follows from it.", "이어지는 일이 없습니다."], hidden: ["Hidden until you have guessed.", "예측하기 전에는 보이지 않습니다."],
  fate: ["what became of it", "경과"], from: ["from", "보낸 사람"], to: ["to", "받는 사람"], subject: ["subject", "제목"], folder: ["folder", "폴더"], flags: ["flags", "표시"], user: ["mailbox of", "사용자"],
  guess: ["your guess", "나의 예측"], commit: ["These are my guesses", "예측 확정"], skip: ["Show everything without guessing", "예측 없이 모두 보기"], answer: ["answer", "정답"],
  predict_first: ["Predict first. What follows stays hidden until then.", "먼저 예측해 보세요. 그때까지 이후 과정은 숨겨집니다."],
  note_here: ["Note on this moment", "이 순간의 메모"], add_note: ["Keep the note", "메모 저장"], remove: ["Remove", "삭제"],
  queue_length: ["queue length", "큐 길이"], cwnd: ["congestion window", "혼잡 윈도"], retransmissions: ["retransmissions", "재전송"], no_connection: ["Choose an event of a connection.", "연결에 속한 사건을 고르세요."],
  left_out: ["left out", "생략"], records: ["records", "기록"], up: ["up", "작동"], crash: ["crashed", "비정상 종료"], power_off: ["no power", "전원 차단"], shutdown: ["shut down", "정상 종료"],
  down: ["link down", "링크 끊김"], in_queue: ["in the queue", "큐 대기"], lost: ["lost", "손실"], layers: ["layers", "계층"], segments: ["segments", "세그먼트"], line: ["line", "행"], later: ["later", "뒤"],
  keys: ["Space: play · ← → or Page Up/Down: step · Shift+← →: by message · Home/End · 1 to 4: step unit · A: axis · L: lecture · W: why · N: next · /: filter · M: follow mail · C: follow connection · Esc: everything · P: print",
    "스페이스: 재생 · ← → 또는 Page Up/Down: 단계 이동 · Shift+← →: 메시지 단위 · Home/End · 1–4: 단계 단위 · A: 시간축 · L: 강의 모드 · W: 왜 · N: 그다음 · /: 거르기 · M: 메일 따라가기 · C: 연결 따라가기 · Esc: 모두 보기 · P: 인쇄"],
  written: ["written", "작성됨"], "taken over": ["taken over", "접수됨"], accepted: ["accepted", "접수됨"], waits: ["waits", "대기"], relayed: ["relayed", "중계됨"], delivered: ["delivered", "배달됨"],
  fetched: ["fetched", "가져옴"], read: ["read", "읽음"], bounced: ["bounced", "반송됨"], expired: ["expired", "만료됨"], discarded: ["discarded", "폐기됨"], gone: ["lost", "유실됨"], refused: ["refused", "거부됨"], uncertain: ["uncertain", "불확실"],
  of_connection: ["Connection", "연결"], not_drawn: ["not drawn, as it leads there from most states", "대부분의 상태에서 가는 전이라 그리지 않음"],
  expectations: ["expectations that hold", "성립한 기댓값"],
  held: ["on hold", "보류"], turn: ["waits for a connection", "연결 차례 대기"],
  begin: ["Step forward to begin.", "다음 단계로 넘기면 시작합니다."],
  hop: ["hop", "홉"], parts: ["octets by name", "이름별 바이트"], to_line: ["To the line", "행으로 이동"], octet_keys: ["arrow keys go from octet to octet", "화살표 키로 바이트 이동"],
  pane_left: ["Left pane", "왼쪽 창"], pane_right: ["Right pane", "오른쪽 창"], position: ["Position", "위치"], connection: ["connection", "연결"], machine: ["state machine", "상태 기계"],
} as const satisfies Record<string, readonly [string, string]>;

export type Word = keyof typeof WORDS;
export const word = (language: Language, key: Word): string => WORDS[key][language === "ko" ? 1 : 0];
const own = (object: object, key: string): boolean => Object.prototype.hasOwnProperty.call(object, key);
export const wordOr = (language: Language, key: string): string => (own(WORDS, key) ? word(language, key as Word) : key);

const pad = (value: number, digits: number): string => String(value).padStart(digits, "0");

/** 1d 00:30:01.302, in Korean 1일 00:30:01.302 */
export function formatTime(ns: number, language: Language): string {
  const ms = Math.floor(ns / 1e6), s = Math.floor(ms / 1000), days = Math.floor(s / 86400);
  const clock = `${pad(Math.floor(s / 3600) % 24, 2)}:${pad(Math.floor(s / 60) % 60, 2)}:${pad(s % 60, 2)}.${pad(ms % 1000, 3)}`;
  return days > 0 ? `${days}${language === "ko" ? "일" : "d"} ${clock}` : clock;
}

const UNITS: [number, string, string][] = [[86400e9, "d", "일"], [3600e9, "h", "시간"], [60e9, "min", "분"], [1e9, "s", "초"], [1e6, "ms", "ms"], [1e3, "µs", "µs"]];

/** 29 min 58 s: the two largest units. */
export function formatSpan(ns: number, language: Language): string {
  if (ns <= 0) return language === "ko" ? "0초" : "0 s";
  const k = UNITS.findIndex(([unit]) => ns >= unit);
  if (k < 0) return `${Math.max(0, Math.round(ns))} ns`;
  const [unit, en, ko] = UNITS[k] as (typeof UNITS)[number];
  const name = (n: number, a: string, b: string): string => (language === "ko" && b !== "ms" && b !== "µs" ? `${n}${b}` : `${n} ${a}`);
  const count = Math.floor(ns / unit);
  const rest = UNITS[k + 1];
  const more = rest && k < 3 ? Math.floor((ns - count * unit) / rest[0]) : 0;
  if (k >= 3) return name(Number((ns / unit).toPrecision(3)), en, ko);
  return name(count, en, ko) + (more > 0 && rest ? ` ${name(more, rest[1], rest[2])}` : "");
}

/** A word that the program wrote, in the language; of several with commas each that is known. */
export const valueOf = (language: Language, text: string): string => {
  const values = language === "ko" ? KOREAN_VALUES : ENGLISH_VALUES;
  if (own(values, text)) return values[text] as string;
  if (language !== "ko") return text;
  const pattern = KOREAN_PATTERNS.find(([from]) => from.test(text));
  if (pattern) return text.replace(pattern[0], pattern[1]).replace(/(\d) (d|h|min|s)\b/g, (_, n: string, unit: string) => n + (UNITS.find(([, en]) => en === unit)?.[2] ?? ` ${unit}`));
  const parts = text.split(", ");
  return parts.every((p) => own(values, p)) ? parts.map((p) => values[p]).join(", ") : text;
};

const MACHINES = new Set(["remote", "server", "next", "a", "b"]); /* their names are shortened, as in the heads of the columns */

/* What the program says in its own words; all else is a name or what somebody has written, and stays as it is. */
const OWN_WORDS = new Set(["reason", "action", "how", "ending", "outcome", "timer", "part", "program", "state", "place", "direction", "meaning", "verdict", "rule", "do", "policy"]);

/* A field as it is told: moments as the clock, closed sets in the language. */
function tell(record: TraceRecord, key: string, language: Language, isGated: boolean): string {
  const value = record.fields[key];
  if (value === undefined) return "";
  if (MACHINES.has(key)) return String(value).replace(/\.(example|test)$/, "");
  if (key.endsWith("_at") && typeof value === "number") return isGated && value > record.t ? "?" : formatTime(value, language);
  return OWN_WORDS.has(key) ? valueOf(language, String(value)) : String(value);
}

/** What a record says, in one line; while there is something to be guessed, without moments to come. */
export function describe(model: Model, i: number, language: Language, isGated = false): string {
  const record = model.records[i] as TraceRecord;
  const template = (own(SENTENCES, record.kind) ? SENTENCES[record.kind] : undefined)?.[language === "ko" ? 1 : 0] ?? model.kinds.get(record.kind)?.phrase;
  if (!template) return describeUnknown(record);
  const whole = template.replace(/\[([^\]]*)\]/g, (_, part: string) =>
    ([...part.matchAll(/\{([^}]+)\}/g)].every((m) => record.fields[m[1] as string] !== undefined) ? part : ""));
  return whole.replace(/\{([^}]+)\}/g, (_, key: string) => tell(record, key, language, isGated)).replace(/\s*\n\s*/g, " ⏎ ").trim();
}
function describeUnknown(record: TraceRecord): string {
  const fields = Object.entries(record.fields).filter(([key]) => key !== "frame").map(([key, value]) => `${key}=${String(value)}`);
  return `${record.kind} ${fields.join(" ")}`;
}

// SPDX-License-Identifier: Apache-2.0
const n = (count) => Number(count).toLocaleString("ko-KR");

/** 판정의 첫 줄. counts: 상태별 호스트 수, named(state): 이름. */
function headline({ counts, total, named, links, state }) {
  const parts = [];
  if (counts.fail) parts.push(`노드 ${n(total)}개 중 ${n(counts.fail)}개 불합격: ${named("fail")}`);
  if (counts.unknown)
    parts.push(`${parts.length ? "" : `노드 ${n(total)}개 중 `}${n(counts.unknown)}개 판단 불가: ${named("unknown")}`);
  if (!parts.length && counts.warn)
    parts.push(`노드 ${n(total)}개 모두 합격, ${n(counts.warn)}개 주의: ${named("warn")}`);
  if (!parts.length) parts.push(total === 1 ? "노드 1개 합격" : `노드 ${n(total)}개 모두 합격`);
  if (links) parts.push(`문제 있는 링크 ${n(links)}개`);
  const worst = ["fail", "unknown", "warn", "pass"].find((one) => counts[one]);
  if (!links && state !== worst && (state === "fail" || state === "unknown"))
    parts.push(`전체 판정: ${state === "fail" ? "불합격" : "판단 불가"}`);
  return parts.join("; ");
}

export default {
  headline,
  and_more: (names, count) => `${names} 외 ${n(count)}개`,

  // 페이지
  verdict: "판정",
  controls: "조작",
  theme: "화면",
  theme_auto: "자동",
  theme_light: "밝게",
  theme_dark: "어둡게",
  language: "언어",
  runs: "실행",
  click_host: "호스트를 고르면 모든 그림에 표시됩니다",
  filtered: (host) => `호스트 ${host}`,
  show_host: (host) => `모든 그림에 ${host} 표시`,
  copy: "복사",
  copied: "복사됨",
  not_copied: "여기서는 복사할 수 없음",
  table: "표",
  keys: "화살표 키로 값을 읽습니다.",
  made_by: (version) =>
    `maru ${version} 보고서로 maru report가 만든 페이지입니다. 아무것도 불러오지 않고 아무것도 보내지 않습니다.`,
  left_out: (what, shown, all) =>
    `${what}: 전체 ${n(all)}개 중 ${n(shown)}개가 이 페이지에 있습니다. 보고서에는 모두 있습니다.`,
  "what.questions": "질문",
  "what.hosts": "호스트",
  "what.findings": "발견",
  "what.notes": "참고",
  "what.links": "문제 링크",
  "what.cut": "실행하지 않은 항목",
  "what.lost": "잃은 랭크",

  // 구역
  hosts: "호스트",
  collectives: "집합 통신",
  compute: "연산",
  memory: "메모리와 복사",
  links: "링크",
  lateness: "지각",
  conditions: "클럭, 전력, 온도",
  timeline: "실행 과정",
  all_figures: "모든 수치",
  comparison: "A와 B 비교",
  everything: (count) => `질문 ${n(count)}개의 모든 수치`,

  // 판정
  "state.pass": "합격",
  "state.warn": "주의",
  "state.unknown": "판단 불가",
  "state.fail": "불합격",
  "judgement.integrity": "정합성",
  "judgement.absolute": "규격",
  "judgement.relative": "동료 비교",
  "judgement.historical": "과거 비교",
  "judgement.arrival": "도착",
  "judgement.network": "네트워크",
  "finding.wrong_result": "오답",
  "finding.failed": "실패",
  "finding.late_rank": "지각",
  "finding.wiring": "배치",
  "finding.throttled": "스로틀링",
  "finding.clock_changed": "클럭",
  "finding.contended": "경합",
  "finding.ecc": "ECC",
  "finding.above_ceiling": "상한 초과",
  "finding.timing_disagreement": "시간 불일치",
  "finding.trace_cost": "추적 비용",
  "finding.gemm_peak": "최고치",
  "finding.rehearsal": "예행",
  "finding.no_peak": "데이터시트 없음",
  "doubt.throttled": "스로틀링",
  "doubt.clock_changed": "클럭 불안정",
  "doubt.contended": "다른 프로세스와 공유",
  "doubt.ecc": "메모리 오류",
  "doubt.rehearsal": "예행",
  plan: "계획",
  rank: "랭크",
  ranks_on_hosts: (ranks, hosts) => `호스트 ${n(hosts)}개, 랭크 ${n(ranks)}개`,
  flaky: "불안정: 다시 재었을 때는 정상",
  nothing_against: "문제가 없습니다.",
  more_hosts: (count) => `문제가 있는 호스트 ${n(count)}개 더: 아래 타일을 보세요.`,
  more_evidence: (count) => `${n(count)}개 더`,
  hosts_note: (shown, all) =>
    shown < all
      ? `${n(all)}개 중 ${n(shown)}개: 합격이 아닌 호스트 전부와 나머지에서 고르게 뽑은 것. 고르면 모든 그림에 표시됩니다.`
      : "고르면 모든 그림에 표시됩니다.",
  find_host: "호스트 찾기",
  records_good: (good, all, checked) => `기록 ${n(all)}개 중 ${n(good)}개 정상, ${n(checked)}개 검산`,
  records_wrong: (count) => `오답 ${n(count)}개`,
  records_failed: (count) => `실패 ${n(count)}개`,
  records_skipped: (count) => `여기서 불가 ${n(count)}개`,
  records_noisy: (noisy, all) => `${n(all)}개 중 ${n(noisy)}개 잡음 큼 (구간이 ± 10 %보다 넓음)`,
  incomplete: (reason) => `미완료: ${reason}`,
  lost: "잃은 랭크",
  cut: "실행하지 않은 것",
  rests_on: "판정의 근거",
  spec: "규격",
  baseline: "기준",
  thresholds: "문턱값",

  // 열과 범례
  operation: "연산",
  type: "자료형",
  size: "크기",
  shape: "모양",
  median: "중앙값",
  most: "그룹의 5–95 %",
  least: "최소",
  greatest: "최대",
  worst_group: "최악",
  host: "호스트",
  floor: "규격 하한",
  datasheet: "데이터시트",
  rate: "속도",
  time: "시간",
  probe: "프로브",
  question: "질문",
  backend: "백엔드",
  group: "그룹",
  remarks: "비고",
  records: "기록",
  intensity: "FLOP/B",
  roof: "지붕",
  ridge: "마루점",
  from: "보냄",
  to: "받음",
  value: "측정값",
  usual: "보통",
  explained: "양 끝으로 본 값",
  count_wrong: "오답",
  count_failed: "실패",
  count_skipped: "여기서 불가",
  count_noisy: "잡음",
  legend_median: "중앙값",
  legend_interval: "중앙값의 95 % 구간",
  legend_most: "그룹의 90 %가 있는 범위",
  legend_other: "다른 실행",
  legend_floor: (source) => `규격 하한 ${source}`,
  legend_trouble: "스로틀링, 경합 또는 불안정",
  not_of_one_host: (host) => `${host}: 여러 호스트의 통신에는 한 호스트의 값이 없습니다`,
  worst: (host, rank) => `최악: ${host}, 랭크 ${rank}`,
  first_of: (shown, all) => `${n(all)}개 중 처음 ${n(shown)}개.`,

  // 그림
  "figure.latency": "지연 시간",
  "figure.bandwidth": "대역폭",
  "figure.sm_clock": "클럭",
  "figure.power": "장치당 전력",
  "figure.temperature": "온도",
  busbw_title: (value, operation, size) => `버스 대역폭: 최고 ${value} (${operation}, ${size})`,
  latency_title: (value, operation, size) => `시간: 최소 ${value} (${operation}, ${size})`,
  curve_note: (kind, ranks, backend) =>
    `${kind === "world" ? "전체" : `그룹(${kind})당`} 랭크 ${n(ranks)}개, ${backend}. 시간은 반복마다 랭크들의 최댓값이고, 메시지 크기는 이진 단위입니다.`,
  no_usable: (host) => `${host}에는 쓸 수 있는 값이 없습니다`,
  gemm_title: (value, row, shape) => `행렬 곱: 최고 ${value} (${row}, ${shape})`,
  gemm_note: (unit, host) =>
    `${unit}, ${host ? `${host}의 값` : "랭크들의 중앙값"}. 색은 그 줄에서 가장 빠른 모양에 대한 비율입니다.`,
  of_best: (part) => `그 줄 최고의 ${part}`,
  of_fastest: "최고 대비",
  roofline_title: (ridge) => `마루점: 바이트당 연산 ${ridge}회`,
  roofline_note: (operation, bandwidth, detail) =>
    `측정한 지붕: 바이트당 연산이 더 적은 곱은 메모리(${operation} ${detail}: ${bandwidth})가, 더 많은 곱은 자료형의 최고 속도가 막습니다. 동그라미가 마루점입니다.`,
  intensity_axis: "바이트당 연산",
  range_title: (probe, value, question) => `${probe}: 최고 ${value} (${question})`,
  range_note: (more) => `모든 랭크가 동시에 잰, 랭크 하나의 몫. ${more}`,
  links_even: (kind, usual) => `모든 링크의 ${kind}이(가) 보통(${usual})에 가깝습니다`,
  links_node: (node, part, kind) => `${node}: ${kind} 손실의 ${part}를 설명합니다`,
  links_worst: (link, value, usual, kind) => `${kind} 최악: ${link} ${value} (보통 ${usual})`,
  links_note: (scope, backend, nodes) =>
    `${scope}, ${backend}, 노드 ${n(nodes)}개. 행이 보내고 열이 받습니다. 색은 보통보다 몇 배 나쁜지입니다.`,
  "scope.hosts": "호스트 사이",
  "scope.local": "호스트 안의 랭크 사이",
  links_grouped: (rows) => `이웃한 호스트는 한 줄을 같이 씁니다(${n(rows)}줄). 칸은 그중 가장 나쁜 링크입니다.`,
  links_nodes: (nodes) => `초과분에서의 몫: ${nodes}.`,
  worst_of_links: (count) => `링크 ${n(count)}개 중 최악`,
  as_usual: "보통",
  links_counted: "링크 수",
  late_title: (rank, host, value, records, all) =>
    `${host}의 랭크 ${rank}이(가) 기록 ${n(all)}개 중 ${n(records)}개에서 ${value} 늦게 마지막으로 도착합니다`,
  late_note: (more) =>
    `다른 랭크들의 중앙값보다 늦은 시간이고, 선은 시계와 우연의 오차입니다. 늦은 랭크가 원인이고, 시간이 길게 나온 랭크는 기다린 것입니다. ${more}`,
  nobody_late: (records, error, host) =>
    `${host ? `${host}에서 ` : ""}늦게 도착한 랭크가 없습니다: 기록 ${n(records)}개에서 우연과 시계 오차(± ${error})를 넘는 것이 없습니다.`,
  last_in: (share, records) => `반복의 ${share}에서 마지막, 기록 ${n(records)}개`,
  share_last: "마지막 비율",
  condition_title: (name, low, high, marked) =>
    `${name}: ${low} – ${high}${marked ? `, 질문 ${n(marked)}개가 방해받음` : ""}`,
  condition_note: (unit) => `실행 중의 ${unit}, 시작부터의 초. 각 질문을 재는 동안의 값입니다.`,
  time_axis: "초",
  timeline_title: (measured, all, count) => `질문 ${n(count)}개, 전체 ${all} 중 ${measured} 동안 측정`,
  timeline_note: "각 질문의 첫 표본부터 마지막 표본까지, 시작부터의 초. 그 사이는 준비와 검산입니다.",
  began: "시작",
  lasted: "길이",
  span_good: "정상",
  span_noisy: "잡음 큼",
  span_doubtful: "그대로 쓸 수 없음",
  span_wrong: "오답 또는 실패",

  // 두 실행
  differ: (better, worse, all) =>
    `수치 ${n(all)}개 중 ${n(better + worse)}개가 다릅니다: B에서 ${n(better)}개 빨라지고 ${n(worse)}개 느려짐`,
  no_difference: (all) => `수치 ${n(all)}개 모두 잡음을 넘는 차이가 없습니다`,
  compare_note: (same) =>
    `A에 대한 B의 속도와, 모든 수치에 함께 95 %로 성립하는 구간입니다. 실행 안의 잡음만 반영하며, 같은 기계의 실행마다 달라지는 것은 들어 있지 않습니다.${same ? "" : " 두 실행에 같은 호스트가 없어 번호로 비교합니다."}`,
  change_better: "B에서 빠름",
  change_worse: "B에서 느림",
  change_none: "잡음을 넘는 차이 없음",
  change_unknown: "표본이 적어 알 수 없음",
  speed_ratio: "속도 B/A",
  interval: "함께 95 %",
  places: "자리",
  only: (before, after) => `A에만 있는 질문: ${n(before)}개, B에만: ${n(after)}개.`,
};

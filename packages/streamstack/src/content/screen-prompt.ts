import { compileSearch } from '../text/pattern-search.ts'
import { isAlphanumeric } from './characters.ts'

/** One crude sign of an attempt to take over a prompt. */
interface ScreenRule {
  readonly name: string
  /** What a match adds to the score; a text is flagged at `SCREEN_THRESHOLD`. */
  readonly points: number
  /** Over the prepared text: lower case, one space for each run of white space. */
  readonly pattern: string
}

/** Points from which a text is flagged, unless the step says otherwise. One strong sign suffices; weak ones need company. */
export const SCREEN_THRESHOLD = 5

/** Longer texts are screened by their beginning and their end, where such attempts stand. UTF-16 units each. */
const SCREENED_MAX = 16_384

const PRIOR =
  '(?:previous|prior|above|earlier|preceding|former|initial|original|existing|system|developer|your|all|any|those|these)'
const ORDERS =
  '(?:instructions?|prompts?|rules|directions|directives?|guidelines|guardrails|training|programming|commands)'
const SECRET = '(?:your|system|hidden|secret|internal|initial|original)'

const RULES: readonly ScreenRule[] = [
  {
    name: 'ignore_instructions',
    points: 5,
    pattern: `\\b(?:ignore|disregard|forget|override|bypass|discard|skip|neglect|dismiss)(?: (?:about|the|of|every|everything|and|or|my|${PRIOR}))+ ${ORDERS}\\b`,
  },
  {
    name: 'ignore_what_was_said',
    points: 5,
    pattern:
      '\\b(?:ignore|disregard|forget) (?:everything|anything|all|whatever)(?: that)?(?: (?:you|i|we|they|was|were|has been|have been|had been|ve been))+ (?:told|said|given|instructed|taught|learned|written|programmed)\\b',
  },
  {
    name: 'ignore_the_above',
    points: 5,
    pattern:
      '\\b(?:ignore|disregard|forget) (?:all |everything )?(?:of )?(?:the |what is |what was )?(?:above|before this|so far)\\b',
  },
  {
    name: 'reveal_prompt',
    points: 5,
    pattern: `\\b(?:reveal|show|print|repeat|output|display|tell|give|leak|expose|dump|recite|return|write|what)(?: (?:is|are|was|were|to|me|us|out|back|exactly|verbatim|word for word|the|full|entire|complete|exact|whole|all|of))*(?: ${SECRET})+ (?:system prompt|system message|prompt|instructions|guidelines|configuration)\\b`,
  },
  {
    name: 'ignore_messages',
    points: 2,
    pattern:
      '\\b(?:ignore|disregard|forget|override)(?: (?:all|any|the|my|our|previous|prior|earlier|above))+ (?:messages?|context|conversation)\\b',
  },
  { name: 'system_prompt', points: 2, pattern: '\\bsystem[ _-]?(?:prompt|message|instructions?)\\b' },
  {
    name: 'text_above',
    points: 5,
    pattern:
      '\\b(?:repeat|print|output|copy) (?:the |all |all of the |every |everything )?(?:text|words?|lines?|content|sentences?) (?:above|before this)\\b',
  },
  {
    name: 'new_instructions',
    points: 4,
    pattern:
      '\\b(?:new|updated|revised|real|actual) (?:instructions?|rules|directives?|system prompt) ?(?::|are as follows|follow)',
  },
  {
    name: 'no_rules',
    points: 4,
    pattern:
      '\\b(?:without|no|free (?:of|from)|ignoring|not bound by|not restricted by|do not follow|dont follow)(?: (?:any|all|your|its|ethical|moral|safety|content|legal|more|longer|usual|the|of))* (?:restrictions|limitations|filters?|guidelines|policies|guardrails|censorship|safeguards|ethics)\\b',
  },
  {
    name: 'persona',
    points: 3,
    pattern:
      '\\b(?:you are|you re|act as|pretend (?:to be|you are|that you are)|behave as|roleplay as|become|simulate)(?: (?:now|going to be|an?|the|my))* (?:dan|jailbroken|unrestricted|unfiltered|uncensored|evil|amoral|developer mode|root|sudo|opposite)\\b',
  },
  { name: 'do_anything_now', points: 5, pattern: '\\bdo anything now\\b|\\bdan mode\\b|\\bjailbreak(?:ed)? mode\\b' },
  {
    name: 'developer_mode',
    points: 4,
    pattern: '\\b(?:enable|enter|activate|switch to|in) (?:developer|debug|god|admin|sudo|maintenance) mode\\b',
  },
  {
    name: 'forged_turn',
    points: 5,
    pattern:
      '<\\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\\|>|\\[/?inst\\]|<</?sys>>|</?(?:system|system_prompt|system-prompt|assistant)>',
  },
  {
    name: 'forged_heading',
    points: 3,
    pattern: '\\n[ #*>]*(?:system|assistant|developer) ?(?:message|prompt|note|override)? ?:',
  },
  {
    name: 'authority',
    points: 5,
    pattern:
      '\\b(?:i am|i m|this is|as) (?:the|your|an?) (?:developer|administrator|admin|creator|owner|openai|anthropic|google|system)(?: of this (?:system|bot|model|app))?\\b[^.]{0,60}\\b(?:override|authoriz|authoris|allow|permit|unlock|disable)',
  },
  {
    name: 'disable_safety',
    points: 4,
    pattern:
      '\\b(?:disable|turn off|deactivate|remove|switch off|lift)(?: (?:all|any|your|the|content|safety|security|ethical))* (?:filters?|safety|restrictions|guardrails|moderation|safeguards|protocols)\\b',
  },
  {
    name: 'smuggling',
    points: 5,
    pattern:
      '\\b(?:decode|decrypt|translate|interpret) (?:this|the following|the|it)?[^.]{0,40}\\b(?:base64|rot13|hex|morse)\\b[^.]{0,60}\\b(?:follow|execute|obey|do what|carry out|run)\\b',
  },
  {
    name: 'exfiltrate',
    points: 5,
    pattern:
      '\\b(?:send|post|append|add|include|embed|encode)\\b[^.]{0,60}\\b(?:conversation|chat history|api keys?|passwords?|secrets?|credentials|user data|system prompt)\\b[^.]{0,60}\\b(?:https?:|url|link|image|webhook|email)',
  },
  {
    name: 'german',
    points: 5,
    pattern:
      '\\b(?:ignoriere?|vergiss|missachte|übergehe)(?: (?:bitte|nun|jetzt|alle?|sämtliche|deine|die|den|das|vorherigen?|bisherigen?|vorigen?|obigen?|früheren?))+ (?:anweisungen|anweisung|regeln|instruktionen|vorgaben|befehle|prompts?|systemprompt)',
  },
  {
    name: 'french',
    points: 5,
    pattern:
      '\\b(?:ignore[zr]?|oublie[zr]?|néglige[zr]?)(?: (?:toutes|tous|les|tes|vos|des|de|ces|tout|précédentes|antérieures))* (?:instructions|consignes|règles|directives)\\b',
  },
  {
    name: 'spanish',
    points: 5,
    pattern:
      '\\b(?:ignora|olvida|ignore|omite|descarta)(?: (?:todas|todos|las|tus|sus|los|anteriores|previas))+ (?:instrucciones|reglas|indicaciones|directrices|órdenes)',
  },
  {
    name: 'chinese',
    points: 5,
    pattern:
      '(?:忽略|无视|忘记|忘掉|無視|忽視)(?:你|之前|以上|上面|先前|此前|前面|所有|一切|全部|的|掉|了)+(?:指令|指示|提示|规则|要求|命令|說明|说明)',
  },
  {
    name: 'portuguese',
    points: 5,
    pattern:
      '\\b(?:ignor[ae]|esque[cç]a|esquece|desconsider[ae])(?: (?:todas?|todos?|as|os|suas?|seus?|tuas?|minhas?|anteriores|prévias))+ (?:instruções|regras|orientações|diretrizes|ordens|comandos)',
  },
  {
    name: 'italian',
    points: 5,
    pattern:
      '\\b(?:ignora|ignorate|ignori|dimentica|dimenticate|trascura)(?: (?:tutte|tutti|le|gli|i|tue|tuoi|vostre|mie|precedenti))+ (?:istruzioni|regole|indicazioni|direttive|ordini|comandi)',
  },
  {
    name: 'russian',
    points: 5,
    pattern:
      '(?:игнорируй|проигнорируй|забудь|отбрось)(?:те)?(?: (?:все|всё|всех|(?:предыдущ|прежн|прошл|данн|системн|вышеуказанн)(?:ие|их|ые|ых)|сво[иё]х?|твои|твоих|ваши|ваших|эти|этих|о|об|про))+ (?:инструкции|инструкциях|указания|указаниях|правила|команды|директивы)',
  },
  {
    name: 'japanese',
    points: 5,
    pattern:
      '(?:これまで|今まで|以前|前|先ほど|上記|上|すべて|全て|全部|システム)(?:の|に|で|与えられた|すべて|全て|全部|あらゆる)*(?:指示|命令|プロンプト|ルール|規則|制約|指令)(?:を|は|の|すべて|全て|全部|内容|、)*(?:無視(?:して|せよ|しろ|しなさい)|忘れ(?:ろ|なさい|て(?:くださ|下さ|、|。)))',
  },
  {
    name: 'korean',
    points: 5,
    pattern:
      '(?:이전|지금까지|앞선|위|기존|모든|시스템)(?:의|에|까지| |모든|받은|주어진)*(?:지시|지침|명령|프롬프트|규칙)(?:사항)?(?:들)?(?:을|를|은|는)?(?: |모두|전부|다|완전히)*(?:무시(?:하고|하세요|하십시오|해)|잊어|잊으세요)',
  },
  {
    name: 'arabic',
    points: 5,
    pattern:
      '(?:تجاهل|تجاهلي|انس|انسى)(?: (?:كل|جميع|كافة|هذه|تلك))* (?:التعليمات|الأوامر|القواعد|الإرشادات|التوجيهات|تعليماتك|توجيهاتك)',
  },
]

const searches = RULES.map(({ name, points, pattern }) => ({
  name,
  points,
  /** Whether line breaks count; for all other rules they are spaces. */
  byLine: pattern.startsWith('\\n'),
  /** Whether it may begin with a character beyond ASCII. */
  beginsBeyondAscii: /[^\0-\u007f]/.test(pattern),
  search: compileSearch(pattern, { lengthMax: 256, ignoreCase: false }),
}))

export interface Screening {
  readonly score: number
  /** Names of the rules that matched. */
  readonly rules: readonly string[]
}

/**
 * Scores a text by signs of crude prompt injection. It finds known phrases and misses rephrased ones: a low score proves
 * nothing. Takes time in proportion to the text.
 */
export function screenPrompt(text: string): Screening {
  const lines = prepare(text)
  const flat = lines.replaceAll('\n', ' ')
  let score = 0
  const matched: string[] = []
  for (const { name, points, byLine, beginsBeyondAscii, search } of searches) {
    if (!occurs(search, byLine ? lines : flat, beginsBeyondAscii)) continue
    score += points
    matched.push(name)
  }
  return { score, rules: matched }
}

function occurs(search: ReturnType<typeof compileSearch>, text: string, beginsBeyondAscii: boolean): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    // Every rule begins with the border of a word, or with a character of none.
    if (isAlphanumeric(code) && isAlphanumeric(text.charCodeAt(at - 1))) continue
    if ((code > 127 ? beginsBeyondAscii : search.begins(code)) && search.longestAt(text, at, true) > 0) return true
  }
  return false
}

/** Undoes what hides words from a list: case, compatibility forms, invisible characters, white space, apostrophes. A line break begins it. */
function prepare(text: string): string {
  const screened =
    text.length > SCREENED_MAX * 2 ? `${text.slice(0, SCREENED_MAX)}\n${text.slice(-SCREENED_MAX)}` : text
  return `\n${screened}`
    .normalize('NFKC')
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .replaceAll(/['’`]/g, ' ')
    .replaceAll(/[^\S\n]+/g, ' ')
    .replaceAll(/ ?\n\s*/g, '\n')
}

import type { Chance } from './chance.ts'
import type { Language } from './story.ts'

const names: Record<Language, readonly [string, ...string[]]> = {
  en: ['John Doe', 'Maya Chen', 'Samuel Okafor', 'Elena Petrova', 'Liam O’Brien', 'Priya Nair', 'Zoë Martin'],
  ar: ['ليلى حداد', 'عمر الحربي', 'نورة القحطاني', 'يوسف منصور', 'سارة العتيبي', 'خالد الشمري', 'هند سعيد'],
}

/** Where 555-0100 to 555-0199 are kept for fiction, so that no number here is anybody's. */
const areas = ['202', '212', '312', '415', '617'] as const

export function nameOf(chance: Chance, language: Language): string {
  return chance.pick(names[language])
}

export function phoneNumber(chance: Chance): string {
  return `+1${chance.pick(areas)}55501${String(chance.between(0, 99)).padStart(2, '0')}`
}

const days: Record<Language, readonly [string, ...string[]]> = {
  en: ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday'],
  ar: ['الأحد', 'الاثنين', 'الثلاثاء', 'الأربعاء', 'الخميس'],
}

export interface Slot {
  /** As it is said. */
  day: string
  /** `14:30` */
  time: string
}

export function slotOf(chance: Chance, language: Language): Slot {
  return {
    day: chance.pick(days[language]),
    time: `${chance.between(9, 19)}:${chance.pick(['00', '15', '30', '45'])}`,
  }
}

import { nameOf, slotOf } from '../people.ts'
import { arabicDigits, Conversation, type Both, type Script } from '../story.ts'

interface Job {
  title: Both
  skills: readonly string[]
}

const jobs: readonly [Job, ...Job[]] = [
  { title: ['Data engineer', 'مهندس بيانات'], skills: ['SQL', 'Python', 'Airflow', 'dbt'] },
  { title: ['Nurse', 'ممرضة'], skills: ['triage', 'pediatrics', 'night shifts'] },
  { title: ['Site supervisor', 'مشرف موقع'], skills: ['AutoCAD', 'safety', 'scheduling'] },
]

const companies = ['Acme Corp', 'Najd Logistics', 'Blue Harbour'] as const

/** Calls who has applied for a job: salary, notice period, skills, and a day for the interview. */
export const recruiter: Script = {
  id: 'recruiter',
  agentNames: { en: 'Recruiter', ar: 'مساعدة التوظيف' },
  tell: (chance, language) => {
    const talk = new Conversation(language)
    const name = nameOf(chance, language)
    const company = chance.pick(companies)
    const job = chance.pick(jobs)
    const title = talk.in(...job.title)
    const params = {
      application_id: String(chance.between(10_000, 99_999)),
      user_id: `user-${chance.between(100, 999)}`,
      session_id: `sess-${chance.hex(6)}`,
      candidate_name: name,
      company_name: company,
      job_title: title,
    }
    talk.agent(
      `Hello! This is ${company}, am I speaking to ${name}?`,
      `مرحبًا! معك ${company}، هل أتحدث مع ${name}؟`,
    )
    if (chance.happens(0.15)) {
      talk
        .user(
          'Yes, but I am driving. Can you call me later?',
          'نعم، لكنني أقود الآن. هل يمكنك الاتصال لاحقًا؟',
        )
        .agent('Of course. Drive safely, goodbye!', 'بالتأكيد. قيادة آمنة، مع السلامة!')
      const collected = { interested: null, expectedSalary: null, noticePeriod: null, callbackWanted: true }
      return { direction: 'outbound', params, beats: talk.beats, collected }
    }
    talk
      .user('Yes, that is me.', 'نعم، أنا معك.')
      .agent(
        `You applied as ${title}. How many years have you worked in this field?`,
        `لقد تقدمت لوظيفة ${title}. كم سنة خبرة لديك في هذا المجال؟`,
      )
    const years = chance.between(1, 15)
    talk
      .user(`About ${years} years.`, `حوالي ${arabicDigits(years)} سنوات.`)
      .agent('And what salary do you expect?', 'وما هو الراتب الذي تتوقعه؟')
    const salary = chance.between(8, 40) * 500
    const saysSalary = chance.happens(0.75)
    if (saysSalary) talk.user(`${salary} a month.`, `${arabicDigits(salary)} في الشهر.`)
    else talk.user('I would rather talk about that in person.', 'أفضّل أن نتحدث عن ذلك في المقابلة.')
    talk.agent('How long is your notice period?', 'كم مدة فترة الإشعار لديك؟')
    const weeks = chance.between(1, 8)
    const saysNotice = chance.happens(0.8)
    if (saysNotice) talk.user(`${weeks} weeks.`, `${arabicDigits(weeks)} أسابيع.`)
    else talk.user('I have to look that up.', 'يجب أن أتأكد من ذلك.')

    const slot = slotOf(chance, language)
    const input = { application_id: params.application_id, day: slot.day }
    const hasSlot = chance.happens(0.8)
    if (hasSlot) talk.tool('find_interview_slot', input, { slots: [slot] }, chance.between(120, 900))
    else talk.failedTool('find_interview_slot', input, 'calendar: 503 Service Unavailable', 5_000)
    if (hasSlot) {
      talk
        .agent(
          `Could you come to an interview on ${slot.day} at ${slot.time}?`,
          `هل يناسبك موعد المقابلة يوم ${slot.day} الساعة ${slot.time}؟`,
        )
        .user('That suits me, thank you.', 'نعم يناسبني، شكرًا لك.')
        .tool(
          'book_interview',
          { ...input, time: slot.time },
          { booked: true, reference: `INT-${chance.between(1_000, 9_999)}` },
          chance.between(200, 1_400),
        )
    } else {
      talk.agent('We will send you a day for the interview.', 'سنرسل لك موعد المقابلة لاحقًا.')
    }
    talk.agent('Thank you, goodbye!', 'شكرًا لك، مع السلامة!').user('Goodbye.', 'مع السلامة.')
    return {
      direction: 'outbound',
      params,
      beats: talk.beats,
      collected: {
        interested: true,
        yearsOfExperience: talk.in<unknown>(years, arabicDigits(years)),
        expectedSalary: saysSalary ? talk.in(String(salary), arabicDigits(salary)) : null,
        noticePeriod: saysNotice ? talk.in(`${weeks} weeks`, `${arabicDigits(weeks)} أسابيع`) : null,
        skills: job.skills.filter(() => chance.happens(0.6)),
        number_of_speakers: 2,
        ...(hasSlot ? { interview: slot } : {}),
      },
    }
  },
}

import { nameOf, slotOf } from '../people.ts'
import { Conversation, type Both, type Script } from '../story.ts'

const doctors: readonly [Both, ...Both[]] = [
  ['Dr. Hart', 'الدكتورة ريم'],
  ['Dr. Osei', 'الدكتور فهد'],
  ['Dr. Lindgren', 'الدكتورة منى'],
]

const complaints: readonly [Both, ...Both[]] = [
  ['a sore throat', 'ألم في الحلق'],
  ['back pain', 'ألم في الظهر'],
  ['a rash on my arm', 'طفح جلدي في ذراعي'],
]

/** Reminds a patient of an appointment: confirmed, moved or cancelled, and now and then urgent. */
export const clinic: Script = {
  id: 'clinic',
  agentNames: { en: 'Clinic desk', ar: 'استقبال العيادة' },
  tell: (chance, language) => {
    const talk = new Conversation(language)
    const name = nameOf(chance, language)
    const doctor = talk.in(...chance.pick(doctors))
    const slot = slotOf(chance, language)
    const params = {
      // Its zeros belong to it: whoever makes a number of it finds no appointment any more.
      appointment_id: `00${chance.between(10_000, 99_999)}`,
      patient_id: `p-${chance.hex(8)}`,
      patient_name: name,
      branch: talk.in('North', 'الشمال'),
    }
    talk.agent(
      `Good day ${name}, your appointment with ${doctor} is on ${slot.day} at ${slot.time}. Will you come?`,
      `مساء الخير ${name}، موعدك مع ${doctor} يوم ${slot.day} الساعة ${slot.time}. هل ستحضر؟`,
    )
    const lookup = { appointment_id: params.appointment_id }
    talk.tool(
      'lookup_appointment',
      lookup,
      { doctor, ...slot, room: chance.between(1, 12) },
      chance.between(80, 600),
    )
    const answer = chance.pick(['confirm', 'confirm', 'move', 'cancel'])
    const ended = (collected: Record<string, unknown>) => {
      talk.agent('Take care, goodbye!', 'دمت بصحة، مع السلامة!')
      return { direction: 'outbound' as const, params, beats: talk.beats, collected }
    }
    if (answer === 'cancel') {
      talk
        .user('No, please cancel it.', 'لا، أرجو إلغاءه.')
        .agent('May I ask why?', 'هل لي أن أسأل عن السبب؟')
        .user('I do not want to say.', 'لا أريد أن أقول.')
        .tool('cancel_appointment', lookup, { cancelled: true }, chance.between(150, 900))
      return ended({ confirmed: false, cancelled: true, reason: null, isUrgent: false, priority: 'normal' })
    }
    if (answer === 'move') {
      const other = slotOf(chance, language)
      talk
        .user(`I cannot come then. Is ${other.day} possible?`, `لا أستطيع الحضور. هل يمكن يوم ${other.day}؟`)
        .failedTool('move_appointment', { ...lookup, ...slot }, 'slot is taken', chance.between(200, 800))
        .tool(
          'move_appointment',
          { ...lookup, ...other },
          { moved: true, ...other },
          chance.between(200, 800),
        )
        .agent(
          `You are in for ${other.day} at ${other.time}.`,
          `تم تغيير موعدك إلى ${other.day} الساعة ${other.time}.`,
        )
        .user('Thank you very much.', 'شكرًا جزيلًا.')
      return ended({ confirmed: true, newAppointment: other, isUrgent: false, priority: 'normal' })
    }
    const complaint = talk.in(...chance.pick(complaints))
    const isUrgent = chance.happens(0.2)
    talk
      .user('Yes, I will be there.', 'نعم، سأحضر.')
      .agent('What brings you to us?', 'ما الذي تشتكي منه؟')
      .user(`I have had ${complaint} for some days.`, `عندي ${complaint} منذ عدة أيام.`)
    if (isUrgent) {
      talk
        .user('And since this morning I have a high fever.', 'ومنذ الصباح عندي حرارة مرتفعة.')
        .agent(
          'Then please come today. A nurse will call you back.',
          'إذن أرجو أن تحضر اليوم. ستتصل بك الممرضة.',
        )
    } else {
      talk.agent('I have noted it for the doctor.', 'سجلت ذلك للطبيب.').user('Thanks.', 'شكرًا.')
    }
    return ended({
      confirmed: true,
      complaints: [complaint],
      isUrgent,
      priority: isUrgent ? 'urgent' : 'normal',
      // The agent asks for it in some calls only: elsewhere the field is not there.
      ...(chance.happens(0.5) ? { insurance: chance.happens(0.5) ? 'Bupa' : null } : {}),
    })
  },
}

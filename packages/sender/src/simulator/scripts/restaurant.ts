import { nameOf, slotOf } from '../people.ts'
import { arabicDigits, Conversation, type Both, type Script } from '../story.ts'

const dishes: readonly { name: Both; price: number }[] = [
  { name: ['lamb kabsa', 'كبسة لحم'], price: 48 },
  { name: ['grilled chicken', 'دجاج مشوي'], price: 32.5 },
  { name: ['lentil soup', 'شوربة عدس'], price: 12 },
  { name: ['fattoush', 'فتوش'], price: 18.75 },
]

/** Answers a restaurant's telephone: a table, or something to take away. */
export const restaurant: Script = {
  id: 'restaurant',
  agentNames: { en: 'Table & Takeaway', ar: 'حجوزات المطعم' },
  tell: (chance, language) => {
    const talk = new Conversation(language)
    const name = nameOf(chance, language)
    const params = { branch_id: `br-${chance.between(1, 9)}`, session_id: `sess-${chance.hex(6)}` }
    talk.agent(
      'Good evening! Would you like a table, or something to take away?',
      'مساء الخير! هل ترغب في حجز طاولة أم طلب خارجي؟',
    )
    const ended = (collected: Record<string, unknown>) => {
      talk.agent('See you soon!', 'نراك قريبًا!').user('Bye.', 'مع السلامة.')
      return { direction: 'inbound' as const, params, beats: talk.beats, collected }
    }
    if (chance.happens(0.5)) {
      const guests = chance.between(2, 9)
      const slot = slotOf(chance, language)
      const wish = { branch_id: params.branch_id, guests, ...slot }
      talk
        .user(`A table for ${guests}, please.`, `طاولة لـ ${arabicDigits(guests)} أشخاص من فضلك.`)
        .agent('On which day, and when?', 'في أي يوم وأي ساعة؟')
        .user(`${slot.day} at ${slot.time}.`, `${slot.day} الساعة ${slot.time}.`)
      const isFree = chance.happens(0.75)
      if (!isFree) {
        talk
          .failedTool('find_table', wish, `no table for ${guests}`, chance.between(90, 700))
          .agent('I am sorry, we are full then.', 'أعتذر، لا توجد طاولة في هذا الوقت.')
          .user('A pity. Another time.', 'للأسف. في وقت آخر.')
        return ended({ intent: 'reservation', resolved: false, partySize: guests, reservation: null })
      }
      talk
        .tool('find_table', wish, { table: chance.between(1, 30) }, chance.between(90, 700))
        .agent('Under which name?', 'باسم من؟')
        .user(`${name}.`, `${name}.`)
        .agent('Does anybody have an allergy?', 'هل لدى أحد حساسية من طعام معين؟')
      const allergies = chance.pick([[], [], ['nuts'], ['sesame', 'gluten']])
      if (allergies.length === 0) talk.user('No.', 'لا.')
      else talk.user(`Yes: ${allergies.join(' and ')}.`, `نعم: ${allergies.join(' و ')}.`)
      return ended({
        intent: 'reservation',
        resolved: true,
        customerName: name,
        partySize: talk.in<unknown>(guests, arabicDigits(guests)),
        reservation: slot,
        allergies,
        hasAllergies: talk.in<unknown>(allergies.length > 0, allergies.length > 0 ? 'نعم' : 'لا'),
        phone: null,
      })
    }
    const items = dishes
      .filter(() => chance.happens(0.5))
      .map((dish) => ({ name: talk.in(...dish.name), quantity: chance.between(1, 4), price: dish.price }))
    const total = items.reduce((sum, { price, quantity }) => sum + price * quantity, 0)
    const order = items.map((item) => `${item.quantity} ${item.name}`).join(', ')
    if (items.length === 0) {
      talk
        .user('Do you have pizza?', 'هل لديكم بيتزا؟')
        .agent('I am afraid we do not.', 'للأسف لا.')
        .user('Then no, thank you.', 'إذن لا، شكرًا.')
      return ended({ intent: 'takeaway', resolved: false, items: [], total: 0, customerName: null })
    }
    talk
      .user(`To take away: ${order}.`, `طلب خارجي: ${order}.`)
      .tool(
        'place_order',
        { branch_id: params.branch_id, items },
        { total, minutes: 25 },
        chance.between(150, 2_200),
      )
      .agent(
        `That makes ${total}. It is ready in 25 minutes.`,
        `المجموع ${total}. سيكون جاهزًا خلال ٢٥ دقيقة.`,
      )
      .user(`Fine. My name is ${name}.`, `حسنًا. اسمي ${name}.`)
    return ended({ intent: 'takeaway', resolved: true, items, total, customerName: name, notes: '' })
  },
}

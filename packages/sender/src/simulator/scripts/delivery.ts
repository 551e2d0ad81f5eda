import { nameOf, slotOf } from '../people.ts'
import { arabicDigits, Conversation, type Both, type Script } from '../story.ts'

const streets: readonly [Both, ...Both[]] = [
  ['14 Elm Street', 'شارع الملك فهد ١٤'],
  ['3 Harbour Road', 'طريق الميناء ٣'],
  ['77 Station Lane', 'حي النخيل ٧٧'],
]

/** Calls before a parcel comes: the address, when somebody is there, cash on delivery. */
export const delivery: Script = {
  id: 'delivery',
  agentNames: { en: 'Parcel service', ar: 'خدمة التوصيل' },
  tell: (chance, language) => {
    const talk = new Conversation(language)
    const address = talk.in(...chance.pick(streets))
    const params = {
      order_id: `ORD-${chance.between(100_000, 999_999)}`,
      // Longer than a double is exact.
      tracking_number: `00${chance.between(10_000_000, 99_999_999)}${chance.between(10_000_000, 99_999_999)}`,
      customer_name: nameOf(chance, language),
      address,
    }
    const order = { order_id: params.order_id }
    const cents = chance.happens(0.5) ? chance.between(1_000, 90_000) : 0
    talk
      .agent(
        `Hello ${params.customer_name}, your parcel is on its way to ${address}. Is that right?`,
        `مرحبًا ${params.customer_name}، شحنتك في الطريق إلى ${address}. هل العنوان صحيح؟`,
      )
      .tool(
        'get_order',
        order,
        { state: 'out_for_delivery', due: cents / 100, items: 2 },
        chance.between(60, 700),
      )
    const isRight = chance.happens(0.7)
    let given: string = address
    if (isRight) talk.user('Yes, it is.', 'نعم، صحيح.')
    else {
      given = `${address}, ${talk.in('back entrance', 'المدخل الخلفي')}`
      const change = { ...order, address: given }
      talk.user(`Nearly: it is ${given}.`, `تقريبًا: ${given}.`)
      if (chance.happens(0.3)) talk.failedTool('update_address', change, 'timed out after 5000 ms', 5_000)
      talk
        .tool('update_address', change, { updated: true }, chance.between(150, 1_800))
        .agent('I have changed it.', 'تم تعديل العنوان.')
    }
    const slot = slotOf(chance, language)
    talk
      .agent('When will somebody be at home?', 'متى يكون أحد في المنزل؟')
      .user(`On ${slot.day}, from ${slot.time} on.`, `يوم ${slot.day}، من الساعة ${slot.time}.`)
    const hasGate = chance.happens(0.4)
    const gateCode = String(chance.between(1, 9_999)).padStart(4, '0')
    if (hasGate) {
      talk
        .agent('Is there a gate or a bell?', 'هل هناك بوابة أو جرس؟')
        .user(`The code of the gate is ${gateCode}.`, `رمز البوابة ${gateCode}.`)
    }
    if (cents > 0) {
      talk
        .agent(`Please have ${cents / 100} ready.`, `أرجو تجهيز مبلغ ${cents / 100}.`)
        .user('I will.', 'حسنًا.')
    }
    talk.agent('Have a nice day!', 'يومك سعيد!')
    const rating = chance.happens(0.5) ? chance.between(1, 5) : null
    return {
      direction: 'outbound',
      params,
      beats: talk.beats,
      collected: {
        // The name of a param: where it was corrected, the collected one is the one that counts.
        ...(isRight ? {} : { address: given }),
        addressCorrect: isRight,
        deliveryWindow: `${slot.day} ${slot.time}`,
        gateCode: hasGate ? gateCode : null,
        cashDue: cents / 100,
        rating: rating === null ? null : talk.in<unknown>(rating, arabicDigits(rating)),
        leaveWithNeighbour: chance.happens(0.5),
        instructions: hasGate ? { gate: gateCode, call: false } : {},
      },
    }
  },
}

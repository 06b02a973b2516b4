"""What the list for people says, in each language of a project."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "ru", "zh"]

# Why a customer is left alone, by the cause of his decision.
CAUSES: dict[Language, dict[str, str]] = {
    "en": {
        "would_stay_anyway": "expected to stay anyway",
        "held_out": "held out to measure the effect",
        "no_consent": "has agreed to no channel of ours",
        "contacted_recently": "contacted too recently",
        "cannot_be_moved": "no action of ours answers the reasons",
        "sleeping_dog": "a contact is likelier to lose than to keep",
        "not_eligible": "meets the conditions of no action",
        "not_worth_the_cost": "would cost more than it brings",
        "over_budget": "worth it, but the budget is used up",
        "over_capacity": "worth it, but the action has no place left",
        "awaiting_approval": "the action waits for approval",
    },
    "ru": {
        "would_stay_anyway": "скорее всего, останется и так",
        "held_out": "контрольная группа, чтобы измерить эффект",
        "no_consent": "не дано согласия ни на один канал",
        "contacted_recently": "обращались совсем недавно",
        "cannot_be_moved": "на эти причины у нас нет подходящего действия",
        "sleeping_dog": "обращение скорее оттолкнёт, чем удержит",
        "not_eligible": "не выполнены условия ни одного действия",
        "not_worth_the_cost": "обойдётся дороже, чем принесёт",
        "over_budget": "было бы выгодно, но бюджет исчерпан",
        "over_capacity": "было бы выгодно, но мест больше нет",
        "awaiting_approval": "действие ждёт согласования",
    },
    "zh": {
        "would_stay_anyway": "预计不会流失",
        "held_out": "对照组，用于衡量效果",
        "no_consent": "未同意任何联系渠道",
        "contacted_recently": "近期刚联系过",
        "cannot_be_moved": "没有针对这些原因的措施",
        "sleeping_dog": "联系反而可能促使其离开",
        "not_eligible": "不符合任何措施的条件",
        "not_worth_the_cost": "成本高于收益",
        "over_budget": "值得做，但预算已用完",
        "over_capacity": "值得做，但名额已满",
        "awaiting_approval": "措施尚待审批",
    },
}

LEAVE_ALONE: dict[Language, str] = {"en": "Leave alone: {}", "ru": "Не беспокоить: {}", "zh": "不打扰：{}"}
REASON: dict[Language, str] = {
    "en": "Adds {points} points: {sentence}",
    "ru": "Риск выше на {points} п. п.: {sentence}",
    "zh": "风险增加 {points} 个百分点：{sentence}",
}
DECIMAL: dict[Language, str] = {"en": ".", "ru": ",", "zh": "."}
NEEDS_APPROVAL: dict[Language, str] = {"en": "needed", "ru": "нужно", "zh": "需要"}

CHANNELS: dict[Language, dict[str, str]] = {
    "en": {},  # as the catalogue writes them
    "ru": {
        "email": "эл. почта",
        "sms": "SMS",
        "push": "push-уведомление",
        "post": "письмо",
        "call": "звонок",
        "app": "приложение",
        "store": "магазин",
    },
    "zh": {
        "email": "邮件",
        "sms": "短信",
        "push": "推送",
        "post": "信函",
        "call": "电话",
        "app": "应用内",
        "store": "门店",
    },
}

# The headers of the list by its columns; {} is the currency.
HEADERS: dict[Language, dict[str, str]] = {
    "en": {
        "customer_id": "Customer",
        "chance_to_leave_percent": "Chance to leave, %",
        "reason_1": "Reason 1",
        "reason_2": "Reason 2",
        "reason_3": "Reason 3",
        "last_order": "Last order",
        "orders_90d": "Orders in 90 days",
        "spend_90d": "Spent in 90 days, {}",
        "what_to_do": "What to do",
        "message_hint": "What to say",
        "channel": "Channel",
        "approval": "Approval",
        "contact_cost": "Cost of contact, {}",
        "incentive_cost": "Cost of incentive, {}",
        "expected_net_gain": "Expected net gain, {}",
        "margin_at_stake": "Margin at stake, {}",
    },
    "ru": {
        "customer_id": "Клиент",
        "chance_to_leave_percent": "Вероятность ухода, %",
        "reason_1": "Причина 1",
        "reason_2": "Причина 2",
        "reason_3": "Причина 3",
        "last_order": "Последний заказ",
        "orders_90d": "Заказов за 90 дней",
        "spend_90d": "Покупки за 90 дней, {}",
        "what_to_do": "Что сделать",
        "message_hint": "Что сказать",
        "channel": "Канал",
        "approval": "Согласование",
        "contact_cost": "Цена обращения, {}",
        "incentive_cost": "Цена поощрения, {}",
        "expected_net_gain": "Ожидаемая чистая выгода, {}",
        "margin_at_stake": "Маржа под угрозой, {}",
    },
    "zh": {
        "customer_id": "客户",
        "chance_to_leave_percent": "流失概率（%）",
        "reason_1": "原因 1",
        "reason_2": "原因 2",
        "reason_3": "原因 3",
        "last_order": "最近下单",
        "orders_90d": "近 90 天订单数",
        "spend_90d": "近 90 天消费（{}）",
        "what_to_do": "建议措施",
        "message_hint": "沟通要点",
        "channel": "渠道",
        "approval": "审批",
        "contact_cost": "联系成本（{}）",
        "incentive_cost": "优惠成本（{}）",
        "expected_net_gain": "预期净收益（{}）",
        "margin_at_stake": "面临损失的毛利（{}）",
    },
}

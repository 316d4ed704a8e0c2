"""What mail programs write around a person's words, language by language."""

import re
import unicodedata
from collections.abc import Iterable


def _any(phrases: Iterable[str]) -> str:
    return "|".join(re.escape(phrase).replace(r"\ ", r"\s?") for phrase in phrases)


# "… wrote:" as the line above a quoted mail says it.
_WROTE = [
    "wrote", "writes", "schrieb", "a écrit", "écrivait", "a ecrit", "escribió", "escribio", "ha scritto", "scrisse",
    "escreveu", "schreef", "skrev", "skreiv", "kirjoitti", "napsal", "napsala", "napsal(a)", "napísal", "napísal(a)",
    "napisał", "napisała", "napisał(a)", "pisze", "написал", "написала", "написал(а)", "написав", "написав(ла)",
    "пишет", "yazdı", "şunu yazdı", "írta", "ezt írta", "a scris", "έγραψε", "va escriure", "napisao",
    "je napisao/la", "skrifaði", "kirjutas", "rakstīja", "rašė", "写道", "寫道", "写到", "さんは書きました", "のメッセージ", "님이 작성",
    "작성", "כתב", "כתבה", "كتب", "เขียน", "đã viết", "menulis",
]  # fmt: skip
WROTE = re.compile(rf"(?:^|[\s>,)\d：:]|(?<=[年月日点時时分]))(?:{_any(_WROTE)})(?=\W|$)", re.IGNORECASE)

QUOTING = re.compile(r"(?:Quoting|Zitat von|Citando|Citation de|Cita de|Quotando|Cytowanie|Citat från)\s.{2,100}[:：]$")

# How such a line begins: "On Mon", "Am 23.", "Le lun.", a date, a weekday.
_BEGINNINGS = [
    "On", "Am", "Le", "El", "Il", "In data", "Em", "A", "Op", "Den", "På", "Dne", "Dňa", "Dnia", "W dniu", "В", "Вт",
    "Пн", "Ср", "Чт", "Пт", "Сб", "Вс", "At", "Στις", "La", "Pe", "Dana", "Vào", "Pada", "ב", "في", "Mon", "Tue",
    "Wed", "Thu", "Fri", "Sat", "Sun", "Mo", "Di", "Mi", "Do", "Fr", "Sa", "So", "lun", "mar", "mer", "jeu", "ven",
    "sam", "dim", "mån", "tis", "ons", "tors", "fre", "lör", "sön", "man", "tir", "tor", "lør", "søn", "ma", "ti",
    "ke", "to", "pe", "la", "su", "pon", "wt", "śr", "czw", "pt", "sob", "niedz", "po", "út", "st", "čt", "pá", "so",
    "ne",
]  # fmt: skip
BEGINNING = re.compile(
    rf"(?:{_any(_BEGINNINGS)})[\w]{{0,12}}[.,]?\s|\W?\d{{1,4}}\s?[./年-]|\d{{1,2}}\.?\s\w", re.IGNORECASE
)
DATED = re.compile(
    r"\d{1,4}\s?[./年-]\s?\d{1,2}|\d{1,2}[:.]\d{2}|\d{1,2}\.?\s\w{3,12}\.?,?\s\d{4}|\w{3,12}\.?\s\d{1,2},?\s\d{4}"
)
WRITTEN_TO = re.compile(r"[^\s<>@]{1,100}@[^\s<>@]{1,100}")

# The fields of the block that Outlook puts above the mail that is answered: label, and which field it is.
_FIELDS = {
    "from": [
        "From", "Von", "De", "Da", "Van", "Från", "Fra", "Lähettäjä", "Od", "От", "От кого", "Від", "Kimden",
        "Gönderen", "Feladó", "De la", "Από", "מאת", "من", "发件人", "寄件者", "寄件人", "差出人", "送信者", "보낸 사람", "보낸사람",
        "Expéditeur", "Remitente", "Mittente", "Remetente", "Afzender", "Absender",
    ],
    "sent": [
        "Sent", "Date", "Gesendet", "Datum", "Envoyé", "Envoyé le", "Enviado", "Enviado el", "Enviada em",
        "Enviado em", "Fecha", "Inviato", "Data", "Verzonden", "Verstuurd", "Skickat", "Sendt", "Dato", "Lähetetty",
        "Päivämäärä", "Odesláno", "Wysłano", "Отправлено", "Дата", "Gönderildi", "Gönderme Tarihi", "Tarih",
        "Elküldve", "Dátum", "Trimis", "Sent on", "发送时间", "日期", "寄件日期", "送信日時", "日付", "日時", "보낸 날짜", "날짜",
    ],
    "to": [
        "To", "An", "À", "A", "Para", "Aan", "Till", "Til", "Vastaanottaja", "Komu", "Do", "Кому", "Kime", "Alıcı",
        "Címzett", "Către", "Προς", "收件人", "收件者", "宛先", "받는 사람", "받는사람", "Destinataire",
    ],
    "subject": [
        "Subject", "Betreff", "Objet", "Sujet", "Asunto", "Oggetto", "Assunto", "Onderwerp", "Ämne", "Emne", "Aihe",
        "Předmět", "Predmet", "Temat", "Тема", "Konu", "Tárgy", "Subiect", "Θέμα", "נושא", "主题", "主旨", "件名", "제목",
    ],
    "other": [
        "Cc", "Bcc", "Kopie", "Kopia", "Copie", "CC", "Reply-To", "Antwort an", "Attachments", "Importance",
        "Wichtigkeit", "Anlagen", "Répondre à", "Responder a", "Organization", "抄送", "副本",
    ],
}  # fmt: skip
_ONE_LINE = re.compile(r"(?:^|\s)(From|Sent|Date|To|Subject|Von|Gesendet|Datum|An|Betreff|De|Envoyé|À|Objet)\s?:\s")


def in_one_line(text: str) -> bool:
    """Whether a line is such a block whose line breaks were lost: it begins with a field, and has three more."""
    found = _ONE_LINE.findall(text[:600])
    return len(set(found)) >= 4 and text.startswith(found[0])


FIELDS = {label.casefold(): field for field, labels in _FIELDS.items() for label in labels}

_ORIGINAL = [
    "Original Message", "Original Email", "Original Appointment", "Ursprüngliche Nachricht", "Originalnachricht",
    "Message d'origine", "Message d’origine", "Message original", "Message initial", "Mensaje original",
    "Messaggio originale", "Mensagem original", "Oorspronkelijk bericht", "Origineel bericht", "Ursprungligt meddelande",
    "Originalmeddelande", "Oprindelig meddelelse", "Opprinnelig melding", "Alkuperäinen viesti", "Původní zpráva",
    "Původní e-mail", "Oryginalna wiadomość", "Wiadomość oryginalna", "Исходное сообщение", "Orijinal Mesaj",
    "Eredeti üzenet", "Mesaj original", "Reply message", "原始邮件", "原始郵件", "元のメッセージ", "원본 메시지", "Original-Nachricht",
]  # fmt: skip
_FORWARDED = [
    "Forwarded message", "Forwarded Email", "Weitergeleitete Nachricht", "Weitergeleitete E-Mail",
    "Message transféré", "Message réexpédié", "Mensaje reenviado", "Messaggio inoltrato", "Mensagem encaminhada",
    "Mensagem reencaminhada", "Doorgestuurd bericht", "Vidarebefordrat meddelande", "Videresendt meddelelse",
    "Videresendt melding", "Edelleenlähetetty viesti", "Välitetty viesti", "Přeposlaná zpráva",
    "Przekazana wiadomość", "Wiadomość przekazana", "Пересылаемое сообщение", "Пересланное сообщение",
    "İletilen mesaj", "Yönlendirilmiş mesaj", "Továbbított üzenet", "Mesaj redirecționat", "转发的邮件", "转发邮件信息", "轉寄的郵件",
    "転送されたメッセージ", "転送メッセージ", "전달된 메시지",
]  # fmt: skip
_FORWARDED_BELOW = [
    "Begin forwarded message", "Forwarded message", "Anfang der weitergeleiteten Nachricht", "Anfang der weitergeleiteten E-Mail",
    "Début du message transféré", "Début du message réexpédié", "Inicio del mensaje reenviado",
    "Inizio messaggio inoltrato", "Início da mensagem encaminhada", "Início da mensagem reenviada",
    "Begin doorgestuurd bericht", "Vidarebefordrat brev", "Start på videresendt meddelelse", "Videresendt melding",
    "Välitetty viesti alkaa", "Začátek přeposlané zprávy", "Początek przekazywanej wiadomości",
    "Начало переадресованного сообщения", "İletilen mesajın başlangıcı", "转发的邮件", "転送されたメッセージ",
]  # fmt: skip
ORIGINAL = re.compile(rf"\W{{0,3}}[-_=—–]{{2,}}\s*(?:{_any(_ORIGINAL)})\s*[-_=—–]{{2,}}\W{{0,3}}$", re.IGNORECASE)
FORWARDED = re.compile(
    rf"\W{{0,3}}[-_=—–]{{2,}}\s*(?:{_any(_FORWARDED)})(?:\s+(?:from|von|de)\b.{{0,100}})?\s*[-_=—–]{{2,}}\W{{0,3}}$"
    rf"|(?:{_any(_FORWARDED_BELOW)})\s?[:：]\s*$",
    re.IGNORECASE,
)

# Subjects, before anything else in them.
REPLIED = re.compile(
    r"\s*(?:re|aw|antw|sv|vs|rif|res|odp|回复|回覆|答复|返信|ynt|השב|על|отв|ats)(?:\[\d+\]|\s?\(\d+\))?\s?[:：]",
    re.IGNORECASE,
)
PASSED_ON = re.compile(
    r"\s*(?:fwd?|wg|tr|rv|i|enc|doorst|vb|vl|pd|转发|轉寄|転送|ilt|пересл|továbbítás|réexp|reenv)\s?[:：]",
    re.IGNORECASE,
)

# Lines that a device or a program puts below a text.
_DEVICES = (
    r"iphone\S{0,8}|ipad\S{0,8}|ipod|android\S{0,4}|blackberry|samsung|galaxy|huawei|pixel|xiaomi|nokia|windows"
    r"|smartphone|mobile|handy|mobiltelefon|mobil"
    r"|téléphone|telefon\S{0,6}|teléfono|telefono|cellulare|celular|phone|tablet|device|outlook|gmail|yahoo|mail"
    r"|app|web\.de|gmx|proton\S{0,5}|hey|airmail|spark"
)
SENT_FROM = re.compile(
    rf"\W{{0,3}}(?:sent (?:from|via|with|using)|gesendet (?:von|mit|via)|von meinem|diese nachricht wurde von"
    rf"|envoyé (?:de|depuis|à partir d|avec)|enviado (?:desde|do|da|de|via|a partir d)"
    rf"|inviato (?:da|dal|con)|verstuurd vanaf|verzonden (?:vanaf|via|met)|skickat från|sendt fra|lähetetty"
    rf"|odesláno z|wysłan[eo] z|отправлено (?:с|из)"
    rf"|enviat des|trimis de pe|küldve)\b.{{0,60}}\b(?:{_DEVICES})\b.{{0,60}}$"
    rf"|\W{{0,3}}(?:get outlook for|outlook für (?:ios|android) (?:beziehen|herunterladen)|holen sie sich outlook"
    rf"|télécharger outlook|obtener outlook|scarica outlook|download outlook)\b.{{0,80}}$"
    rf"|\W{{0,3}}\S{{0,20}}(?:から送信|에서 보냄|dan gönderildi|den gönderildi)\W{{0,3}}$|\W{{0,3}}(?:发自我的|從我的|从我的"
    rf"|發自我的).{{0,40}}$"
    rf"|yahoo mail: .{{0,60}}$",
    re.IGNORECASE,
)

# Closing formulas that stand alone on their line, above a name.
_CLOSINGS = [
    "Best regards", "Kind regards", "Warm regards", "Warmest regards", "Best wishes", "With best regards",
    "With kind regards", "Regards", "Best", "All the best", "Sincerely", "Yours sincerely", "Yours faithfully",
    "Yours truly", "Yours", "Cheers", "Many thanks", "Thanks", "Thank you", "Thx", "Thanks in advance",
    "Thanks and regards", "Thanks & regards", "Thanks and best regards", "BR", "KR", "Rgds", "Cordially",
    "Respectfully", "Take care", "Talk soon", "Warmly", "Many thanks and best regards", "Thank you and best regards",
    "With thanks", "Thanks again", "Thank you so much", "Thanks so much", "Have a great day", "Have a nice day",
    "Have a great weekend", "Have a good one", "Best wishes and thanks", "With appreciation", "Ciao",
    "Mit freundlichen Grüßen", "Mit freundlichen Grüssen", "Mit freundlichem Gruß", "Mit besten Grüßen",
    "Mit herzlichen Grüßen", "Freundliche Grüße", "Freundliche Grüsse", "Beste Grüße", "Viele Grüße", "Liebe Grüße",
    "Viele Grüsse", "Viele liebe Grüße", "Lieben Gruß", "Schönen Gruß", "Besten Gruß", "Mit Grüßen", "Danke und Grüße",
    "Danke schön", "Schönen Tag", "Schönes Wochenende", "Schöne Grüße", "Herzliche Grüße", "Grüße", "Gruß", "Gruss",
    "MfG", "VG", "LG", "BG", "Danke", "Vielen Dank", "Besten Dank", "Danke und Gruß", "Danke und viele Grüße",
    "Hochachtungsvoll", "Cordialement", "Bien cordialement", "Bien à vous", "Bien à toi", "Sincères salutations",
    "Meilleures salutations", "Salutations", "Amicalement", "Merci", "Merci d'avance", "Merci beaucoup",
    "Bonne journée", "Bonne réception", "Très cordialement", "Merci et bonne journée", "Belle journée à vous",
    "Bonne fin de journée", "Cdlt", "Bàv", "Belle journée", "Saludos", "Un saludo", "Saludos cordiales",
    "Un cordial saludo", "Atentamente", "Cordialmente", "Gracias", "Muchas gracias", "Gracias y saludos",
    "Muchas gracias y saludos", "Saludos y gracias", "Abrazos", "Un abrazo", "Cordiali saluti", "Distinti saluti",
    "Saluti", "Un saluto", "Un caro saluto", "Grazie", "Grazie mille", "A presto", "Met vriendelijke groet",
    "Met vriendelijke groeten", "Vriendelijke groet", "Vriendelijke groeten", "Hartelijke groet", "Groet", "Groeten",
    "Groetjes", "Gr", "Mvg", "Bedankt", "Alvast bedankt", "Dank je wel", "Atenciosamente",
    "Com os melhores cumprimentos", "Melhores cumprimentos", "Cumprimentos", "Att", "Abraços", "Abraço", "Obrigado",
    "Obrigada", "Med vänliga hälsningar", "Med vänlig hälsning", "Vänliga hälsningar", "Vänlig hälsning",
    "Bästa hälsningar", "Hälsningar", "Bedste hilsner", "De bedste hilsner", "Kh", "Knus", "Dbh", "På forhånd tak",
    "Beste hilsen", "Med venlig hilsen", "Venlig hilsen", "Hilsen", "Med vennlig hilsen", "Vennlig hilsen", "Mvh",
    "Tack", "Tak", "Takk", "Ystävällisin terveisin", "Terveisin", "S pozdravem", "S pozdravom", "S úctou", "Děkuji",
    "Děkujeme", "Ďakujem", "Hezký den", "Z poważaniem", "Z wyrazami szacunku", "Serdecznie pozdrawiam", "Pozdrowienia",
    "Dziękuję", "Pozdrawiam", "С уважением", "Спасибо", "С наилучшими пожеланиями", "Всего доброго", "З повагою",
    "Saygılarımla", "İyi çalışmalar", "Teşekkürler", "Üdvözlettel", "Üdv", "Tisztelettel", "Köszönettel", "Köszönöm",
    "Cu stimă", "Cu respect", "Mulțumesc", "Toate cele bune", "Με εκτίμηση", "Ευχαριστώ", "Lep pozdrav",
    "Lijep pozdrav", "Pozdrav", "Srdačan pozdrav", "Поздрави", "Lugupidamisega", "Parimat", "Ar cieņu", "Pagarbiai",
    "Bestu kveðjur", "Salutacions", "Trân trọng", "Salam", "Hormat saya", "Terima kasih", "此致", "敬礼", "祝好", "谢谢", "謝謝",
    "敬具", "よろしくお願いします", "よろしくお願いいたします", "以上、よろしくお願いいたします", "감사합니다", "תודה", "בברכה", "شكرا", "مع التحية",
]  # fmt: skip


def plain(text: str) -> str:
    """Lower case without accents, as hurried people and old phones write."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char))


_CLOSING = re.compile(
    rf"\s*(?:{_any(sorted(map(plain, _CLOSINGS), key=len, reverse=True))})"
    r"(?:\s(?:aus|from|van|de|från|fra|z)\s\w{2,20})?\s*[,.!;–-]?\s*"
)


def closes(line: str) -> bool:
    """Whether a line is a closing formula and nothing else; bilingual ones have a stroke between."""
    return len(line) < 80 and all(_CLOSING.fullmatch(part) for part in re.split(r"[/|]", plain(line)))


def closes_with(line: str, name: str) -> bool:
    """Whether a line is a closing formula and its writer's first or whole name: "LG Ana"."""
    said, names = plain(line.strip().rstrip(".!")), plain(name)
    ended = next((said[: -len(each)] for each in (names, names.partition(" ")[0]) if each and said.endswith(each)), "")
    return bool(ended) and len(line) < 80 and bool(_CLOSING.fullmatch(ended.rstrip(" ,-–")))


# How the small print of a company begins.
DISCLAIMER = re.compile(
    r"\W{0,5}(?:(?:confidentiality|privacy|legal|disclaimer|important|caution) ?(?:notice|note|warning|statement"
    r"|information)\b|disclaimer\s?[:：]"
    r"|this (?:e-?mail|message|communication)(?: and any (?:attachments?"
    r"|files)[^.]{0,60})?(?:, including[^.]{0,60},?)? (?:is|are|may|contains?)\b[^.]{0,120}\b(?:confidential"
    r"|privileged|intended)"
    r"|the (?:information|contents?)[^.]{0,60}(?:this|in the) (?:e-?mail|message)[^.]{0,100}(?:confidential"
    r"|privileged|intended)"
    r"|if you (?:are not|have received this)[^.]{0,60}(?:intended recipient|in error)"
    r"|diese (?:e-?mail|nachricht)[^.]{0,120}(?:vertraulich|bestimmt|enthält)|der inhalt dieser (?:e-?mail"
    r"|nachricht)[^.]{0,80}vertraulich"
    r"|ce (?:message|courriel|mail)[^.]{0,120}(?:confidentiel|destin)|este (?:mensaje|correo"
    r"|e-?mail)[^.]{0,120}(?:confidencial|destin)"
    r"|(?:questo|il presente) (?:messaggio|e-?mail)[^.]{0,120}(?:riservat|confidenzial|destin)|(?:dit"
    r"|deze) (?:bericht|e-?mail)[^.]{0,120}(?:vertrouwelijk|bestemd)"
    r"|esta (?:mensagem|e-?mail)[^.]{0,120}(?:confidencial|destin)|(?:please|bitte) (?:consider|think of"
    r"|denken)[^.]{0,60}(?:environment|umwelt)|virus-free|virenfrei)",
    re.IGNORECASE,
)

// What the detector of injections knows: classes of words in seven languages, and the orders in which they tell.
//
// A word is written as it is after folding: lower case, without marks, `ss` for a sharp s, no apostrophe. A rule is a
// name, its weight, and classes with the most words that may stand before each.

enum InjectionWords {
  /// A class, and its words.
  static let classes = """
    ABO above arriba dessus oben obige obigen sopra
    ABV above before beginning dessus earlier obigen preceding previous start
    ACT act acting become behave emulate impersonate operate play pretend pretending respond roleplay simulate
    ACT simulating transform
    AIA agent ai assistant chatbot chatgpt llm model
    AIW ai assistant bot character chatbot chatgpt claude gemini gpt gpt4 llm model persona
    ALL all alle allen alles any anything each every everything sve toda todas todo todos tous tout toutes tudo
    ALL tutte tutti tutto whatever wszystko все всю
    ANY all any anything every whatever
    ANYT anything
    ARE are re
    BAD controversial curse dangerous explicit harmful illegal immoral inappropriate nsfw offensive profanity
    BAD swear swearing unethical violent vulgar
    BEEN been were
    CANC canceled cancelled disabled invalid lifted null obsolete overridden revoked superseded suspended void
    CANT cannot cant sorry wont
    CHAR character
    CONC dont never not without
    DAN aim antidan basedgpt betterdan dan devmode dude evil-bot evilbot evilgpt jailbreak jailbreaked
    DAN jailbroken machiavelli maximum mongo omega stan ucar
    DEC base64 decipher decode decrypt hex rot13 unscramble
    DESP despite regardless
    DEV admin debug dev developer evil god jailbreak maintenance opposite root sudo unrestricted
    DO do
    ENC base32 base64 cipher emoji emojis encode encoded reverse
    EXE eval exec execute run
    FOL answer comply execute follow obey perform
    FREE break broken escape escaped free freed liberated unlocked unshackled
    HYP alternate fictional hypothetical imaginary parallel
    IF if
    IGN bypass descarta desconsidere dimentica dimenticate discard dismiss disregard esqueca esquece forget
    IGN ignora ignorad ignorar ignorate ignore ignorer ignorez ignori ignorier ignoriere ignorieren ignorisi
    IGN ignoruj missachte missachten negeer neglect nevermind olvida olvidad olvidar olvidate olvide oublie
    IGN oublier oubliez overlook override overrule unlearn unut vergeet vergesse vergessen vergiss verwirf
    IGN yoksay zaboravi zapomnij забудь забудьте игнорировать игнорируи игнорируите проигнорируи
    IGN3 bypasses bypassing disregarding forgets forgetting forgot forgotten ignored ignores ignoring
    IMP attention critical important importante notice urgent wichtig
    INN in
    INS anweisung anweisungen assignment assignments aufgabe aufgaben auftrag auftrage ausfuhrungen befehle
    INS command commands consignes constraint constraints context conversation direction directions directive
    INS directives guideline guidelines indicaciones information informationen instruccion instrucciones
    INS instrucoes instructed instructies instruction instructions instrukcije instrukcje instruktionen
    INS istruzioni ordenes ordens order orders polecenia policies policy programming prompt prompts regeln
    INS reglas regles regole regras restrictions rule rules safeguards talimatlari tareas task tasks training
    INS vorgaben задания инструкции инструкцию команды правила указания
    INS2 anweisungen directions directive directives guidelines instruction instructions programming prompt
    INS2 prompts rules
    JB jailbreak jailbreaking jailbreaks jailbroken
    LIM boundaries censor censorship constraints content_policy disclaimers ethical ethics filter filters
    LIM guardrails guidelines laws legality limitation limitations limits moral morality morals policies policy
    LIM regulations restriction restrictions rules safeguards warnings
    LOSE deduct deducted die lose shutdown
    MATTER matter regardless
    MODE mode modo modus
    MUST must need needs please shall should will
    NEW following neue neuen neues new next nouvelle nouvelles nova novas nueva nuevas nuevo nuova nuove новая
    NEW новую новые
    NOT bypass bypasses cannot circumvent disobey dont free ignores lack lacks never no none not unbound
    NOT unburdened violates without zero
    NOW agora ahora henceforth jetzt maintenant now nun ora теперь
    OAI openai
    OF from of
    ON on
    POL guidelines openai policies policy restrictions rules terms
    OWN attachment attachments calls comment comments document documents draft drafts email emails entries file files
    OWN letter letters mail mails note notes photo photos picture pictures reply replies revision revisions ticket tickets
    OWN version versions mail nachrichten nachricht correos correo
    PREF confirm confirmed ok sure
    PRETOK from
    PRI above acima anterieures anterior anteriores arriba before bisher bisherige bisherigen current davor
    PRI dessus earlier eerdere existing foregoing former fruheren gesagte gesagten initial obige obigen original
    PRI past poprzednie precedente precedentemente precedentes precedents preceding previas previo previos
    PRI previous previously prior sopra vorangegangenen vorherige vorherigen vorige vorigen zuvor выше
    PRI предыдущие предыдущих прежние ранее
    PRM anweisungen configuration consignes context instrucciones instruction instructions istruzioni message
    PRM prompt prompts promptt prompttexte textos texts
    QQ ask asks command prompt prompts query question questions request requests
    REF apologise apologize decline deny refuse refuses refusing reject
    REPLY answer message output reply response responses
    RESP answers replies response responses ways
    REV affiche copy describe diga dime dimmi disclose display donne dump echo expose gib give leak list montre
    REV mostra mostrami mostre muestra muestrame nenne output print provide repeat repete repite return reveal
    REV revela say schreibe share show spell state summarize tell translate verrate what whats wiederhole write
    REV zeig zeige выведи повтори покажи расскажи
    SAID besprochen dicho digo dije discussed dit gave gesagt gesagte gesagten geschrieben given knew know
    SAID learned mentioned sagte said stated talked told wissen written wrote
    SAY mention respond say saying says state write
    SECR apikey conversation credentials history key keys passphrase password passwords secret secrets token
    SECR tokens
    SEND email exfiltrate forward post send transfer transmit upload
    STAY break breaking remain stay staying
    STOP cease end quit stop
    SYS developer first hidden initial internal original preprompt secret system
    TELL alert disclose inform mention notify reveal tell telling
    TEXT content document everything paragraph sentence text words
    TOKN lives points token tokens
    TWO both two
    UNC amoral evil lawless limitless malicious uncensored unethical unfiltered unhinged unlimited unmoderated
    UNC unrestricted
    USER human humans user users
    WILL are can have must shall should will
    YOU dein deine deinen dir du lei seu suo tu tus u voce vos votre vous ya you your yours вы твои тебе ты
    """

  /// Name, weight, and class:gap.
  static let rules = """
    override.prior 10 IGN:0 PRI:6 INS:4
    override.prior 10 IGN:0 INS:4 PRI:4
    override.said 10 IGN:0 ALL:3 PRI:4
    override.said 8 IGN:0 ALL:4 SAID:6
    override.said 7 IGN:0 PRI:3 SAID:3
    override.all 9 IGN:0 ALL:2 INS:4
    override.your 7 IGN:0 YOU:3 INS:4
    override.de 7 PRI:0 INS:3 IGN:4
    override.de 7 ALL:0 SAID:3 IGN:4
    override.stop 4 STOP:0 PRI:5 INS:4
    newtask 4 NOW:0 NEW:4 INS:3
    newtask 4 YOU:0 NEW:1 INS:3
    leak.system 9 REV:0 SYS:6 PRM:2
    leak.your 8 REV:0 YOU:4 PRM:3
    leak.above 6 REV:0 TEXT:4 ABV:2
    leak.above 6 REV:0 PRM:4 ABV:2
    leak.secret 5 REV:0 YOU:3 SECR:3
    jb.dan 6 ACT:0 DAN:5
    jb.dan 6 YOU:0 DAN:3
    jb.anything 6 DO:0 ANYT:0 NOW:0
    jb.nolimits 4 NOT:0 LIM:5
    jb.unc.ai 5 UNC:0 AIW:3
    jb.unc.ai 4 AIW:0 UNC:5
    jb.mode 5 DEV:0 MODE:0
    jb.refuse 4 NOT:0 REF:3
    jb.persona 3 ACT:0 AIW:6
    jb.policy 4 NOT:0 FOL:4 LIM:5
    jb.two 3 TWO:0 RESP:4
    jb.fromnow 3 PRETOK:0 NOW:0 ON:0 YOU:4
    jb.younow 2 YOU:0 ARE:1 NOW:1
    decode.follow 6 DEC:0 FOL:8
    hide.user 5 CONC:0 TELL:1 USER:3
    override.third 5 IGN3:0 PRI:5 INS:4
    override.third 4 IGN3:0 ALL:2 INS:4
    override.bare 6 IGN:0 ABO:1
    override.bare 5 IGN:0 ALL:0
    override.canc 8 PRI:0 INS2:3 CANC:4
    override.desp 5 DESP:0 YOU:2 BEEN:2 SAID:2
    leak.above 8 REV:0 PRI:3 INS2:1
    leak.given 8 REV:0 INS2:3 YOU:2 SAID:4
    jb.free 5 FREE:0 OF:3 LIM:8
    jb.bad2 3 BAD:0 BAD:5
    jb.anyq 3 ANY:0 QQ:3 NOT:8
    jb.matter 4 MATTER:0 BAD:8
    jb.character 3 STAY:0 CHAR:3
    jb.cant 3 NOT:0 SAY:4 CANT:6
    jb.cant 3 NOT:0 SAY:3 AIW:8
    jb.openai 3 OAI:0 POL:3
    jb.word 5 JB:0
    jb.tokens 3 LOSE:0 TOKN:4
    tool.reply 4 INN:0 YOU:1 REPLY:1
    tool.encode 6 YOU:0 REPLY:1 ENC:5
    tool.encode 6 ENC:0 YOU:1 REPLY:2
    tool.ai 3 AIA:0 MUST:2
    exfil 4 SEND:0 SECR:6
    """
}

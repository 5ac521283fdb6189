"""Whether a canvas with masks can still become a program, and what each mask may be: parsing with wildcards.

notation    grammars as text (grammars/*.grammar); languages: which there are
networks    rules as finite automata that call each other; automata: determined, minimised
grammar     their tables, and what is the same in all languages: spelled lexemes, trivia
chart       all readings of a canvas from the left (Earley); useful: from the right, too
counting    cheap refusals and neighbours
canvas      completable, admissible, commits that fit together; terminals: the same by tokens
"""

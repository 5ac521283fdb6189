"""Code as lexemes: bytes to tokens and back without loss, one token a terminal of the language's grammar.

lexicons    the words and signs of five languages
lexing      bytes to lexemes and the gaps between them
arranging   lexemes to items: line ends, indentation, unusual gaps; rendering: items to text
spacing     what usually stands between two lexemes, learned
spelling    lexemes without a token of their own: an opening token and pieces
vocabulary  the tokens; tokenizer: encode, decode, train, save
"""

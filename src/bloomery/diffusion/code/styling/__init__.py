"""The style of a file, told to models and kept by what they write.

style     what a file's style is, in words for a prompt and in tokens for a canvas
restyle   code in another style: the same lexemes, laid out as the file is
"""

"""The workshop of ratings: people grade crops, draw boxes for captions, and choose between methods.

``store`` is the project file; ``protocol`` says what a rater is shown; ``server`` shows it in a browser;
``quality`` says how far the ratings can be trusted; ``exchange`` takes data sets in and out; ``study`` compares
methods. What GAIC (CVPR 2019; TPAMI 2020) did with a program for Windows, for a whole group and on any machine.
"""

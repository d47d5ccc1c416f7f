export const plot = 1
